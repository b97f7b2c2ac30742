with

    records as (select * from {{ ref('int_record_children') }}),

    persons as (select * from {{ ref('persons') }}),

    pairs as (select * from {{ ref('stg_linkage__pairs') }}),

    -- 1. Per record: whether it is linked, and whether it has an identifier to link by
    described as (

        select
            records.record_key,
            records.child_id,
            records.agency,
            records.cluster_size > 1 as is_linked,
            records.link_method,
            persons.nhs_number is null and persons.upn is null as is_without_identifier,
            persons.data_current_to
        from records
        inner join persons on records.record_key = persons.record_key

    ),

    -- 2. Scopes of records: all, each agency, and every two agencies whose records met in one child
    met as (

        select
            least(one.agency, another.agency) as agency,
            greatest(one.agency, another.agency) as other_agency,
            one.record_key
        from described as one
        inner join
            described as another on one.child_id = another.child_id and one.record_key <> another.record_key

    ),

    record_scopes as (

        select
            'overall' as scope,
            cast(null as varchar) as agency,
            cast(null as varchar) as other_agency,
            record_key
        from described

        union all

        select 'agency' as scope, agency, cast(null as varchar) as other_agency, record_key
        from described

        union

        select 'agency_pair' as scope, agency, other_agency, record_key
        from met

    ),

    agencies_of_children as (

        select child_id, count(distinct agency) as agencies from described group by child_id

    ),

    record_counts as (

        select
            record_scopes.scope,
            record_scopes.agency,
            record_scopes.other_agency,
            count(*) as records,
            count(case when described.is_linked then 1 end) as records_linked,
            count(case when described.is_without_identifier then 1 end) as records_without_identifier,
            count(
                case when described.is_without_identifier and described.is_linked then 1 end
            ) as records_without_identifier_linked,
            count(case when described.link_method = 'merge' then 1 end) as records_merged_by_source,
            count(distinct described.child_id) as children,
            count(
                distinct case when agencies_of_children.agencies > 1 then described.child_id end
            ) as children_of_several_agencies,
            min(described.data_current_to) as data_current_to
        from record_scopes
        inner join described on record_scopes.record_key = described.record_key
        inner join agencies_of_children on described.child_id = agencies_of_children.child_id
        group by record_scopes.scope, record_scopes.agency, record_scopes.other_agency

    ),

    -- 3. Scopes of compared pairs: all, each agency that has a side, and the two agencies
    decided as (

        select
            least(one.agency, another.agency) as agency,
            greatest(one.agency, another.agency) as other_agency,
            case when pairs.decision = 'link' then 1 else 0 end as is_link,
            case
                when pairs.decision = 'review' and one.child_id <> another.child_id then 1 else 0
            end as is_waiting,
            case when pairs.veto is not null then 1 else 0 end as is_vetoed
        from pairs
        inner join records as one on pairs.record_key_l = one.record_key
        inner join records as another on pairs.record_key_r = another.record_key

    ),

    pair_scopes as (

        select
            'overall' as scope,
            cast(null as varchar) as agency,
            cast(null as varchar) as other_agency,
            is_link,
            is_waiting,
            is_vetoed
        from decided

        union all

        select
            'agency' as scope, agency, cast(null as varchar) as other_agency, is_link, is_waiting, is_vetoed
        from decided

        union all

        select
            'agency' as scope,
            other_agency as agency,
            cast(null as varchar) as other_agency,
            is_link,
            is_waiting,
            is_vetoed
        from decided
        where agency <> other_agency

        union all

        select 'agency_pair' as scope, agency, other_agency, is_link, is_waiting, is_vetoed
        from decided

    ),

    pair_counts as (

        select
            scope,
            agency,
            other_agency,
            cast(sum(is_link) as bigint) as pairs_linked,
            cast(sum(is_waiting) as bigint) as pairs_waiting_for_review,
            cast(sum(is_vetoed) as bigint) as pairs_vetoed
        from pair_scopes
        group by scope, agency, other_agency

    ),

    scopes as (

        select scope, agency, other_agency
        from record_counts

        union

        select scope, agency, other_agency
        from pair_counts

    )

select
    concat_ws('|', scopes.scope, scopes.agency, scopes.other_agency) as scope_key,
    scopes.scope,
    scopes.agency,
    scopes.other_agency,
    coalesce(record_counts.records, 0) as records,
    coalesce(record_counts.records_linked, 0) as records_linked,
    coalesce(record_counts.records_without_identifier, 0) as records_without_identifier,
    coalesce(record_counts.records_without_identifier_linked, 0) as records_without_identifier_linked,
    coalesce(record_counts.records_merged_by_source, 0) as records_merged_by_source,
    coalesce(record_counts.children, 0) as children,
    coalesce(record_counts.children_of_several_agencies, 0) as children_of_several_agencies,
    coalesce(pair_counts.pairs_linked, 0) as pairs_linked,
    coalesce(pair_counts.pairs_waiting_for_review, 0) as pairs_waiting_for_review,
    coalesce(pair_counts.pairs_vetoed, 0) as pairs_vetoed,
    record_counts.data_current_to,
    {{ as_of() }} as as_of_date
from scopes
left join
    record_counts
    on scopes.scope = record_counts.scope
    and coalesce(scopes.agency, '') = coalesce(record_counts.agency, '')
    and coalesce(scopes.other_agency, '') = coalesce(record_counts.other_agency, '')
left join
    pair_counts
    on scopes.scope = pair_counts.scope
    and coalesce(scopes.agency, '') = coalesce(pair_counts.agency, '')
    and coalesce(scopes.other_agency, '') = coalesce(pair_counts.other_agency, '')
order by scope_key
