with

    source as (select * from {{ source('linkage', 'pairs') }}),

    renamed as (

        -- The comparisons stay in the file: they are evidence for a reviewer, not facts about a child.
        select record_key_l, record_key_r, probability, decision, blocking_rules, veto from source

    )

select *
from renamed
