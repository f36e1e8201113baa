-- What each function is: meaning, units, errors and source, in the words of the reference pages,
-- which are generated from here.

-- Money

comment on function loan_engine.currencies() is
'Every currency of ISO 4217 with its numeric code and the decimals of its minor unit.';

comment on function loan_engine.minor_units(text) is
'Decimals of the minor unit of an ISO 4217 currency: 2 for EUR, 0 for JPY, 3 for KWD. Error 22023 for a code the standard does not list.';

comment on function loan_engine.round_money(numeric, text, text) is
'An amount rounded to the minor unit of its currency; mode is half_even, half_up, half_down, up, down, ceiling or floor.';

comment on function loan_engine.round_to_multiple(numeric, numeric, text) is
'An amount rounded to a whole multiple, such as the 0.05 of Swiss cash or the whole unit of an instalment. Error 22023 for a multiple of zero or less.';

comment on function loan_engine.allocate(numeric, numeric[], integer) is
'An amount divided in proportion to weights, each share in whole minor units and the shares summing to the amount (largest remainder). Error 22023 for weights that are negative or all zero.';

-- Calendar

comment on function loan_engine.year_fraction(date, date, text, text, date, date, date, date, boolean, date[], integer[]) is
'The part of a year between two dates by a day-count convention, exact to 28 digits; negative where the start is after the end. "30/360" alone is the bond basis of ISDA 2006 4.16(f), "ACT/365" is ACT/365F, "ACT/ACT" is ISDA. What only some conventions need (frequency and period for ICMA, holidays for BUS/252) is refused with 22023 where it is missing.';

comment on function loan_engine.day_count_days(date, date, text, date[], integer[]) is
'Days between two dates as a day-count convention counts them: thirty a month, without leap days, business days only, or all.';

comment on function loan_engine.day_counts() is
'Every day-count convention with the other names it is read by.';

comment on function loan_engine.is_business_day(date, date[], integer[]) is
'Whether a date is a business day; weekend days are ISO numbers, 1 for Monday to 7 for Sunday.';

comment on function loan_engine.business_days_between(date, date, date[], integer[]) is
'Business days from a date to another, the first counted and the last not; in constant time whatever their distance.';

comment on function loan_engine.add_business_days(date, integer, date[], integer[]) is
'The n-th business day after a date, or before it for a negative n.';

comment on function loan_engine.adjust_date(date, text, date[], integer[]) is
'The business day a date moves to by a convention: none, following, modified_following, preceding, modified_preceding or nearest (ISDA 2006 4.12).';
