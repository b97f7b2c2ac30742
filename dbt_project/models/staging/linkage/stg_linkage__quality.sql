with

    source as (select * from {{ source('linkage', 'quality') }}),

    renamed as (

        select
            measure_key,
            measure,
            slice_kind,
            slice,
            cast(numerator as bigint) as numerator,
            cast(denominator as bigint) as denominator,
            cast(value as double) as value,
            cast(limit_low as double) as limit_low,
            cast(limit_high as double) as limit_high,
            cast(is_within_limits as boolean) as is_within_limits
        from source

    )

select *
from renamed
