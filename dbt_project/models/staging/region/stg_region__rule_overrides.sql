with

    source as (select * from {{ source('region', 'rule_overrides') }}),

    renamed as (select rule_id, value, unit, reason from source)

select *
from renamed
