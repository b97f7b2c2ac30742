with

    -- 1. Numbers that a source calls former, or that have ended
    sourced as (

        select record_key, former_upn as upn
        from {{ ref('stg_education_school_census__pupils') }}

        union all

        select record_key, former_upn as upn
        from {{ ref('stg_social_care__persons') }}

        union all

        select record_key, identifier_value as upn
        from {{ ref('stg_social_care__identifiers') }}
        where identifier_type = 'former_upn' or (identifier_type = 'upn' and valid_to <= {{ as_of() }})

        union all

        select record_key, upn
        from {{ ref('int_person_states') }}

    ),

    valid as (

        select distinct record_key, {{ upn_valid('upn') }} as upn
        from sourced
        where {{ upn_valid('upn') }} is not null

    )

select *
from valid
