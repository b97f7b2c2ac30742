with

    pupils as (select * from {{ ref('stg_education_school_census__pupils') }}),

    pupil_records as (select distinct system, pupil_record_id, record_key from pupils),

    exclusions as (

        select exclusions.*, pupil_records.record_key
        from {{ ref('stg_education_school_census__exclusions') }} as exclusions
        inner join
            pupil_records
            on exclusions.system = pupil_records.system
            and exclusions.pupil_record_id = pupil_records.pupil_record_id

    ),

    united as (

        {{ event_rows('pupils', "'school_joined'", 'entry_date', 'pupil_record_id', detail_code='school_id') }}
        union all
        {{ event_rows('pupils', "'school_left'", 'leaving_date', 'pupil_record_id', detail_code='school_id') }}
        union all
        {{ event_rows('exclusions', "'exclusion'", 'started_date', 'exclusion_id', detail_code='category_code') }}

    )

select *
from united
