with

    source as (select * from {{ source('linkage', 'clusters') }}),

    renamed as (

        select record_key, child_id, cluster_size, link_confidence, link_method, linked_on from source

    )

select *
from renamed
