with

    councils as (select distinct area_code, label_en, label_cy from {{ ref('postcode_areas') }}),

    others as (

        select code as area_code, label_en, label_cy from {{ ref('status_labels') }} where code_set = 'area'

    )

select *
from councils
union all
select *
from others
