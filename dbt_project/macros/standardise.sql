{#-
    One spelling for what agencies spell in many ways: names, postcodes, addresses, telephones, schools, sex, dates.
    Put here: folding that loses nothing a comparison needs. Keep out: what is worked out from a folded value
    (evidence.sql), variants of names (the seed forename_variants knows that Dafydd is David) and judging whether
    two spellings are one child.
-#}
{#- Upper case without accents; letters that have no accent to take off are spelt out. -#}
{%- macro fold_text(value) -%}
    {%- set spelt_out = {'ß': 'ss', 'æ': 'ae', 'Æ': 'AE', 'œ': 'oe', 'Œ': 'OE', 'þ': 'th', 'Þ': 'TH'} -%}
    {%- set barred = "translate(nfc_normalize(" ~ value ~ "), 'łŁøØđĐðÐıħĦ', 'lLoOdDdDihH')" -%}
    {%- set folded = namespace(text=barred) -%}
    {%- for letter, plain in spelt_out.items() -%}
        {%- set folded.text = "replace(" ~ folded.text ~ ", '" ~ letter ~ "', '" ~ plain ~ "')" -%}
    {%- endfor -%}
    strip_accents(upper({{ folded.text }}))
{%- endmacro -%}

{#-
    A name in upper case, without accents, apostrophes and other punctuation but single spaces and hyphens.
    ap, ab and ferch stay: they are words of the name.
-#}
{%- macro standardise_name(value) -%}
    nullif(
        trim(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace({{ fold_text(value) }}, '[''’‘`´ʼ"]', '', 'g'),
                        '[^\p{L}\p{N}-]+',
                        ' ',
                        'g'
                    ),
                    '\s*-[\s-]*',
                    '-',
                    'g'
                ),
                '^[\s-]+|[\s-]+$',
                '',
                'g'
            )
        ),
        ''
    )
{%- endmacro -%}

{#-
    A forename; null for what is typed when there is none yet: BABY, BABY JONES, B/O JONES, TWIN 1, MALE INFANT,
    UNKNOWN. Kept are names that only begin so, as BABETTE.
-#}
{%- macro standardise_forename(value) -%}
    {%- set name = standardise_name(value) -%}
    {%- set child = '(BABY|BABI|BABAN|INFANT|NEWBORN|NEW BORN|UNBORN|NEONATE|FETUS|FOETUS|TWIN|TRIPLET'
        ~ '|BOY|GIRL|MALE|FEMALE|BACHGEN|MERCH)' -%}
    {%- set which = '(OF|ONE|TWO|THREE|FIRST|SECOND|THIRD|1ST|2ND|3RD|I{1,3}|[ABC123])' -%}
    {%- set nobody = '(UNKNOWN|ANHYSBYS|UNNAMED|NO NAME|NONAME|NOT KNOWN|NOT GIVEN|NK|XX+|TBC|TBA)' -%}
    case
        when
            not regexp_matches(
                {{ name }},
                '^(({{ which }}[ -])*{{ child }}([ -]?({{ child }}|{{ which }}))*([ -]OF[ -].*)?'
                || '|(BABY|BABI|BABAN|B[ -]?O)[ -].*|{{ nobody }})$'
            )
        then {{ name }}
    end
{%- endmacro -%}

{#- A surname; null for what is typed when it is not known. -#}
{%- macro standardise_surname(value) -%}
    {%- set name = standardise_name(value) -%}
    case
        when not regexp_matches({{ name }}, '^(UNKNOWN|ANHYSBYS|NOT KNOWN|NOT GIVEN|NK|XX+|TBC|TBA)$')
        then {{ name }}
    end
{%- endmacro -%}

{#- The little words of a surname, which belong to the word after them. -#}
{%- macro name_particles() -%}
    {{
        return(
            "AP|AB|FERCH|VERCH|UCH|AL|EL|DE|DA|DI|DU|DEL|DEN|DOS|DAS|LA|LE|VAN|VON|DER|TER|BIN|BINT|IBN|ST|MC|MAC"
        )
    }}
{%- endmacro -%}

{#- The parts of a double name, without the little words in between; no rows for a name of one part. -#}
{%- macro name_parts(name) -%}
    unnest(
        case
            when regexp_matches({{ name }}, '[ -]')
            then
                list_filter(
                    regexp_split_to_array({{ name }}, '[ -]'),
                    lambda part: not regexp_matches(part, '^(.|{{ name_particles() }})$')
                )
            else []
        end
    )
{%- endmacro -%}

{#- A postcode in upper case without blanks; null for pseudo postcodes: no fixed abode, place not known. -#}
{%- macro standardise_postcode(value) -%}
    {%- set code = "regexp_replace(upper(" ~ value ~ "), '[^A-Z0-9]', '', 'g')" -%}
    case when not regexp_matches({{ code }}, '^(ZZ99.*|NFA|NK|UNKNOWN|N?0+|)$') then {{ code }} end
{%- endmacro -%}

{#- The line of an address in upper case, single blanks, no punctuation. -#}
{%- macro standardise_address(value) -%}
    nullif(trim(regexp_replace({{ fold_text(value) }}, '[^\p{L}\p{N}]+', ' ', 'g')), '')
{%- endmacro -%}

{#-
    The digits of a telephone number as dialled at home: +44 and 0044 become 0, an extension and a second number in
    the same field go. Null when under ten digits, or all but the first are one digit: 00000000000.
-#}
{%- macro standardise_telephone(value) -%}
    {%- set first = "regexp_replace(lower(" ~ value ~ "), '([0-9])[^0-9x/;,]*[x/;,].*$', '\\1')" -%}
    {%- set digits = "regexp_replace(" ~ first ~ ", '[^0-9]', '', 'g')" -%}
    {%- set national = "regexp_replace(" ~ digits ~ ", '^((00)?440?([1-9][0-9]{8,9})|([1-9][0-9]{9}))$', '0\\3\\4')" -%}
    case
        when
            regexp_matches({{ national }}, '^[0-9]{10,15}$')
            and length(replace({{ national }}, substr({{ national }}, 2, 1), '')) > 1
            and {{ national }} <> '01234567890'
        then {{ national }}
    end
{%- endmacro -%}

{#- The number of a school, authority and establishment without separators: 681/4040 is 6814040. -#}
{%- macro standardise_school_code(value) -%}
    nullif(regexp_replace(upper({{ value }}), '[^A-Z0-9]', '', 'g'), '')
{%- endmacro -%}

{#- The name of a school without the words that people leave out: The, School, Ysgol. -#}
{%- macro standardise_school_name(value) -%}
    nullif(
        trim(
            regexp_replace(
                regexp_replace({{ standardise_address(value) }}, '\b(THE|SCHOOL|YSGOL)\b', ' ', 'g'),
                ' +',
                ' ',
                'g'
            )
        ),
        ''
    )
{%- endmacro -%}

{#- M, F, X, or U for anything else that was said; the 903 and older censuses say 1 and 2. -#}
{%- macro standardise_sex(value) -%}
    case
        when {{ value }} is null
        then null
        when upper({{ value }}) in ('M', 'MALE', '1')
        then 'M'
        when upper({{ value }}) in ('F', 'FEMALE', '2')
        then 'F'
        when upper({{ value }}) in ('X', 'O', 'OTHER')
        then 'X'
        else 'U'
    end
{%- endmacro -%}

{#- The day in Europe/London on which an instant falls. -#}
{%- macro london_date(instant) -%} {{ return(adapter.dispatch('london_date')(instant)) }} {%- endmacro -%}

{%- macro default__london_date(instant) -%}
    cast(timezone('Europe/London', {{ instant }}) as date)
{%- endmacro -%}

{%- macro spark__london_date(instant) -%}
    cast(from_utc_timestamp({{ instant }}, 'Europe/London') as date)
{%- endmacro -%}

{#- The distinct values of a group as a sorted array, nulls left out; never null itself. -#}
{%- macro sorted_set(value) -%} {{ return(adapter.dispatch('sorted_set')(value)) }} {%- endmacro -%}

{%- macro default__sorted_set(value) -%}
    coalesce(
        list_sort(list_distinct(list({{ value }}) filter (where {{ value }} is not null))),
        cast([] as varchar[])
    )
{%- endmacro -%}

{%- macro spark__sorted_set(value) -%} sort_array(collect_set({{ value }})) {%- endmacro -%}

{#-
    The newest value that is not null, by a rank that is higher for newer rows. An empty value means that nothing
    was said; one that the source says it deleted (deleted_columns, by name) takes the older value away.
-#}
{%- macro newest(value, column=none, recency='recency') -%}
    case
        when
            coalesce(
                max(
                    case
                        when ',' || replace(deleted_columns, ' ', '') || ',' like '%,{{ column or value }},%'
                        then {{ recency }}
                    end
                ),
                0
            )
            < max(case when {{ value }} is not null then {{ recency }} end)
        then max_by({{ value }}, case when {{ value }} is not null then {{ recency }} end)
    end
{%- endmacro -%}

{#- An empty array of text. -#}
{%- macro sorted_set_empty() -%} {{ return(adapter.dispatch('sorted_set_empty')()) }} {%- endmacro -%}

{%- macro default__sorted_set_empty() -%} cast([] as varchar[]) {%- endmacro -%}

{%- macro spark__sorted_set_empty() -%} cast(array() as array<string>) {%- endmacro -%}

{#- The value of the most trusted record that has one, by a rank that is lower for more trusted records. -#}
{%- macro most_trusted(value, preference='preference') -%}
    min_by({{ value }}, case when {{ value }} is not null then {{ preference }} end)
{%- endmacro -%}

{#- The distinct values of a group as one sorted text; null when there is none. -#}
{%- macro joined_set(value, separator=', ') -%}
    {{ return(adapter.dispatch('joined_set')(value, separator)) }}
{%- endmacro -%}

{%- macro default__joined_set(value, separator) -%}
    string_agg(distinct {{ value }}, '{{ separator }}' order by {{ value }})
{%- endmacro -%}

{%- macro spark__joined_set(value, separator) -%}
    nullif(array_join({{ spark__sorted_set(value) }}, '{{ separator }}'), '')
{%- endmacro -%}

{#- The counts of a JSON object {rule: n} as rows rule_id, rule_count beside the other columns of a select. -#}
{%- macro rule_counts(json_text) -%} {{ return(adapter.dispatch('rule_counts')(json_text)) }} {%- endmacro -%}

{%- macro default__rule_counts(json_text) -%}
    unnest(map_entries(cast(cast({{ json_text }} as json) as map(varchar, bigint)))).key as rule_id,
    unnest(map_entries(cast(cast({{ json_text }} as json) as map(varchar, bigint)))).value as rule_count
{%- endmacro -%}

{%- macro spark__rule_counts(json_text) -%}
    explode(from_json({{ json_text }}, 'map<string,bigint>')) as (rule_id, rule_count)
{%- endmacro -%}
