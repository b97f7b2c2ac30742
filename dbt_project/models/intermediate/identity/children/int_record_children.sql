with

    clusters as (select * from {{ ref('stg_linkage__clusters') }}),

    persons as (select * from {{ ref('persons') }}),

    joined as (

        select
            persons.record_key,
            clusters.child_id,
            persons.agency,
            persons.feed,
            persons.system,
            persons.source_person_id,
            clusters.link_confidence,
            clusters.link_method,
            clusters.linked_on,
            clusters.cluster_size
        from persons
        inner join clusters on persons.record_key = clusters.record_key

    )

select *
from joined
