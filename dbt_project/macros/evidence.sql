{#-
    What the linkage compares besides the values themselves: parts of names, places, dates the wrong way round.
    Put here: what follows from one standardised value. Keep out: the folding (standardise.sql) and how much a
    piece of evidence weighs; the linkage learns that.
-#}
{#-
    The parts of a surname as a sorted array: each word, and with the little words before it. AP RHYS gives AP RHYS
    and RHYS, VAN DER BERG-LLOYD gives BERG, LLOYD and VAN DER BERG, O BRIEN and MC CARTHY also OBRIEN and MCCARTHY.
    A name of one word is its own part; an unknown name has none.
-#}
{%- macro surname_parts(name) -%}
    {%- set closed = "regexp_replace(" ~ name ~ ", '\\b(MC|MAC|O)[ -]', '\\1', 'g')" -%}
    {%- set bare = "regexp_split_to_array(" ~ name ~ ", '[ -]')" -%}
    {%- set whole = "regexp_extract_all(" ~ closed ~ ", '(?:(?:" ~ name_particles() ~ ")[ -])*[^ -]+')" -%}
    {%- set parts -%}
        list_filter(
            list_distinct(
                list_concat(
                    {{ bare }},
                    list_transform({{ whole }}, lambda part: replace(part, '-', ' ')),
                    list_transform({{ bare }}, lambda part: regexp_extract(part, '^MC(.{3,})$', 1))
                )
            ),
            lambda part: not regexp_matches(part, '^(.?|{{ name_particles() }})$')
        )
    {%- endset -%}
    case
        when {{ name }} is null
        then {{ sorted_set_empty() }}
        when len({{ parts }}) = 0
        then [{{ name }}]
        else list_sort({{ parts }})
    end
{%- endmacro -%}

{#- A date with day and month exchanged; null when that is no date or the same one. -#}
{%- macro swapped_date(value) -%}
    case
        when day({{ value }}) <= 12 and day({{ value }}) <> month({{ value }})
        then make_date(year({{ value }}), day({{ value }}), month({{ value }}))
    end
{%- endmacro -%}

{#- The sector of a standardised postcode: CF991AA is in CF991. Null for half a postcode. -#}
{%- macro postcode_sector(postcode) -%}
    nullif(regexp_extract({{ postcode }}, '^([A-Z]{1,2}[0-9][A-Z0-9]?[0-9])[A-Z]{2}$', 1), '')
{%- endmacro -%}

{#- The district of a standardised postcode, or of its first half: CF991AA is in CF99. -#}
{%- macro postcode_district(postcode) -%}
    nullif(regexp_extract({{ postcode }}, '^([A-Z]{1,2}[0-9][A-Z0-9]?)([0-9][A-Z]{2})?$', 1), '')
{%- endmacro -%}

{#- The area of a standardised postcode: CF991AA is in CF. -#}
{%- macro postcode_area(postcode) -%}
    nullif(regexp_extract({{ postcode }}, '^([A-Z]{1,2})[0-9]', 1), '')
{%- endmacro -%}

{#-
    Whether a relationship code says parent, guardian or carer: HL7 table 0063, its v3 successor, words. Next of kin
    and no code at all count too, since a child's next of kin is mostly a parent.
-#}
{%- macro is_guardian(relationship_code) -%}
    coalesce(
        regexp_matches(
            upper({{ relationship_code }}),
            '^((N|STP|ADOPT|FOST|GEST)?(MTH|FTH|PRN)|PAR|ADOPT[MFP]|PRNFOST|GRD|GUARD|CGV|N|NOK|NXTKN'
            || '|.*(MOTHER|FATHER|PARENT|GUARDIAN|CARER|MAM|TAD|RHIANT).*)$'
        )
        and not regexp_matches(upper({{ relationship_code }}), 'GRAND'),
        true
    )
{%- endmacro -%}
