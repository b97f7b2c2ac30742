with recursive

    adt_merges as (

        select
            agency || '|' || system || '|' || retired_source_person_id as record_key,
            agency || '|' || system || '|' || survivor_source_person_id as merged_into_record_key,
            coalesce(merged_at, extracted_at) as merged_at
        from {{ ref('stg_health_adt__merges') }}

    ),

    fhir_patients as (select * from {{ ref('stg_health_fhir__patients') }}),

    -- 1. What the sources declared: HL7 merges, FHIR links in both directions
    declared as (

        select record_key, merged_into_record_key, merged_at
        from adt_merges

        union all

        select
            record_key,
            {{ record_key('replaced_by_id') }} as merged_into_record_key,
            extracted_at as merged_at
        from fhir_patients
        where replaced_by_id is not null

        union all

        select
            {{ record_key('replaces_id') }} as record_key,
            record_key as merged_into_record_key,
            extracted_at as merged_at
        from fhir_patients
        where replaces_id is not null

    ),

    -- 2. The newest word on each retired record
    ranked as (

        select
            record_key,
            merged_into_record_key,
            row_number() over (
                partition by record_key order by merged_at desc, merged_into_record_key
            ) as preference
        from declared
        where record_key <> merged_into_record_key

    ),

    steps as (select record_key, merged_into_record_key from ranked where preference = 1),

    -- 3. Follow the chain to its end; a circle is walked once
    walks as (

        select
            record_key,
            merged_into_record_key as reached_record_key,
            [record_key, merged_into_record_key] as path
        from steps

        union all

        select
            walks.record_key,
            steps.merged_into_record_key as reached_record_key,
            list_append(walks.path, steps.merged_into_record_key) as path
        from walks
        inner join steps on walks.reached_record_key = steps.record_key
        where not list_contains(walks.path, steps.merged_into_record_key)

    ),

    ends as (

        select
            record_key,
            max_by(reached_record_key, len(path)) as reached_record_key,
            max_by(path, len(path)) as path
        from walks
        group by record_key

    ),

    -- 4. In a circle the smallest key stands for all, so that the answer does not depend on where the walk
    -- began
    resolved as (

        select
            ends.record_key,
            case
                when steps.record_key is null
                then ends.reached_record_key
                else list_min(ends.path[list_position(ends.path, steps.merged_into_record_key):])
            end as merged_into_record_key
        from ends
        left join steps on ends.reached_record_key = steps.record_key

    ),

    merges as (

        select record_key, merged_into_record_key from resolved where record_key <> merged_into_record_key

    )

select *
from merges
