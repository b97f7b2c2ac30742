with

    patients as (

        select record_key, telephone
        from {{ ref('stg_health_adt__patients') }}

        union all

        select record_key, telephone
        from {{ ref('stg_health_fhir__patients') }}

    ),

    united as (

        select record_key, {{ standardise_telephone('telephone') }} as telephone
        from patients

        union

        select record_key, telephone
        from {{ ref('int_person_guardians') }}

    )

select *
from united
where telephone is not null
