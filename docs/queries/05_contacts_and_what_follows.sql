-- Does a contact reach the right desk? What follows it, and what comes back?
select
    route_label_en as route,
    count(*) as contacts,
    count(referral_key) as became_referrals,
    count(case when is_re_referral then 1 end) as re_referrals,
    count(step_up_date) as stepped_up,
    count(step_down_date) as stepped_down,
    count(case when is_early_help_on_register then 1 end) as early_help_though_on_register,
    count(case when is_repeat_without_action then 1 end) as again_without_action
from contact_routing
group by route_label_en
order by contacts desc, route
