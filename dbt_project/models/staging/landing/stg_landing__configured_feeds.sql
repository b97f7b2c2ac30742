with

    source as (select * from {{ source('landing', 'configured_feeds') }}),

    renamed as (select agency, feed, system, mode, cadence, cadence_days, arrival_deadline_days from source)

select *
from renamed
