{#-
    Identifiers of people: keys of source records, and check digits.
    Put here: whether an identifier can be right. Keep out: whether it is the child's; the linkage says that.

    Check digits: NHS number, modulus 11 (NHS Data Dictionary). UPN, modulus 23 over the letters without I, O
    and S (DfE guide to unique pupil numbers); Welsh council codes are as good as English ones.
    connectors/checkdigits.py says the same in Python, for the supplier's report.
-#}
{#- The key of a source record: agency, system and the system's own id. -#}
{%- macro record_key(source_person_id='source_person_id', relation='') -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}agency || '|' || {{ prefix }}system || '|' || {{ prefix }}{{ source_person_id }}
{%- endmacro -%}

{#- An identifier without the blanks and hyphens that people type; null when nothing is left. -#}
{%- macro squeeze_identifier(value) -%}
    nullif(upper(regexp_replace({{ value }}, '[\s\-]', '', 'g')), '')
{%- endmacro -%}

{#- The digit of an identifier at a place (from 1) as a number; null when it is none. -#}
{%- macro digit_at(value, place) -%} try_cast(substr({{ value }}, {{ place }}, 1) as integer) {%- endmacro -%}

{#-
    Why an NHS number is or is not used: absent, format, placeholder (ten equal digits pass the check digit and
    are nobody's), check_digit, test_range_ok (999, for test data), valid.
-#}
{%- macro nhs_number_reason(value) -%}
    {%- set number = squeeze_identifier(value) -%}
    case
        when {{ number }} is null
        then 'absent'
        when not regexp_matches({{ number }}, '^[0-9]{10}$')
        then 'format'
        when {{ number }} = repeat(substr({{ number }}, 1, 1), 10)
        then 'placeholder'
        when
            (
                11 - (
                    {%- for place in range(1, 10) %}
                        {{ digit_at(number, place) }} * {{ 11 - place }}{{ ' +' if not loop.last }}
                    {%- endfor %}
                )
                % 11
            )
            % 11
            <> {{ digit_at(number, 10) }}
        then 'check_digit'
        when {{ number }} like '999%'
        then 'test_range_ok'
        else 'valid'
    end
{%- endmacro -%}

{#- The NHS number when its check digit is right, else null. -#}
{%- macro nhs_number_valid(value) -%}
    case
        when {{ nhs_number_reason(value) }} in ('valid', 'test_range_ok') then {{ squeeze_identifier(value) }}
    end
{%- endmacro -%}

{#- Why a UPN is or is not used: absent, format, check_letter, valid_temporary, valid. -#}
{%- macro upn_reason(value) -%}
    {%- set upn = squeeze_identifier(value) -%}
    {%- set letters = 'ABCDEFGHJKLMNPQRTUVWXYZ' -%}
    case
        when {{ upn }} is null
        then 'absent'
        when not regexp_matches({{ upn }}, '^[{{ letters }}][0-9]{11}[0-9{{ letters }}]$')
        then 'format'
        when
            substr(
                '{{ letters }}',
                (
                    {%- for place in range(2, 13) %}{{ digit_at(upn, place) }} * {{ place }} + {%- endfor %}
                    coalesce(
                        {{ digit_at(upn, 13) }}, position(substr({{ upn }}, 13, 1) in '{{ letters }}') - 1
                    )
                    * 13
                )
                % 23
                + 1,
                1
            )
            <> substr({{ upn }}, 1, 1)
        then 'check_letter'
        when regexp_matches({{ upn }}, '[0-9]$')
        then 'valid'
        else 'valid_temporary'
    end
{%- endmacro -%}

{#- The UPN, permanent or temporary, when its check letter is right, else null. -#}
{%- macro upn_valid(value) -%}
    case when {{ upn_reason(value) }} in ('valid', 'valid_temporary') then {{ squeeze_identifier(value) }} end
{%- endmacro -%}
