with

    measured as (select * from {{ ref('stg_linkage__quality') }}),

    currency as (select min(data_current_to) as data_current_to from {{ ref('persons') }})

select
    measured.measure_key,
    measured.measure,
    measured.slice_kind,
    measured.slice,
    measured.numerator,
    measured.denominator,
    measured.value,
    measured.limit_low,
    measured.limit_high,
    measured.is_within_limits,
    currency.data_current_to,
    {{ as_of() }} as as_of_date
from measured
cross join currency
order by measured.measure_key
