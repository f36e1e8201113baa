-- What each function is: meaning, units, errors and source, in the words of the reference pages,
-- which are generated from here; and what the planner is told of those that return rows.

-- What the planner expects of functions that return rows.

alter function loan_engine.currencies() rows 170;
alter function loan_engine.day_counts() rows 28;
alter function loan_engine.actus_events(jsonb, jsonb, date) cost 1000 rows 60;
alter function loan_engine.check_terms(jsonb) cost 100 rows 1;
alter function loan_engine.fold(jsonb, jsonb, date) cost 10000;
alter function loan_engine.loan_at(jsonb, jsonb, date, date) cost 10000;
alter function loan_engine.apply(jsonb, jsonb) cost 10000;
alter function loan_engine.fold_difference(jsonb, jsonb) cost 10000;
alter function loan_engine.payoff_quote(jsonb, date) cost 10000 rows 1;
alter function loan_engine.accrued_interest(jsonb, date) cost 10000 rows 1;
alter function loan_engine.loan_outlook(jsonb, date) cost 10000 rows 1;
alter function loan_engine.delinquency(jsonb, date) cost 10000 rows 1;
alter function loan_engine.delinquent_instalments(jsonb, date) cost 10000 rows 3;
alter function loan_engine.explain(jsonb, text) cost 10000 rows 5;
alter function loan_engine.fold_balances(jsonb) cost 10000 rows 1;
alter function loan_engine.fold_schedule(jsonb) cost 10000 rows 36;
alter function loan_engine.fold_transactions(jsonb) cost 10000 rows 50;
alter function loan_engine.fold_allocations(jsonb) cost 10000 rows 50;
alter function loan_engine.fold_charges(jsonb) cost 10000 rows 3;
alter function loan_engine.fold_journal(jsonb) cost 10000 rows 200;
alter function loan_engine.total_cost(numeric, numeric, integer, date, jsonb) cost 1000 rows 1;

-- Identifiers

comment on function loan_engine.uuid_v7() is
'A new UUID of version 7 (RFC 9562): it begins with the time in milliseconds, so that rows made together lie together in an index; those one session makes sort in the order made, also within a millisecond; the last 32 bits are random, from the operating system.';

-- Names

comment on function loan_engine.name_similarity(text, text) is
'How alike two names are, from 0 to 1, whatever the order of their words: each word is paired with the most similar one of the other name (the greater of Jaro-Winkler and Damerau-Levenshtein similarity), and pairs count by their letters; words only one name has count half, and gaps between words are forgiven. Accents are not.';

-- Collateral

comment on function loan_engine.convert_weight(numeric, text, text) is
'A weight in another unit: gram, kilogram, tola (11.6638038 g) or troy_ounce (31.1034768 g), exact to 28 digits. Error 22023 for another unit.';

comment on function loan_engine.purity(text) is
'The share of fine metal that a mark tells: karats of 24 (22K is 0.91666…), parts per thousand (916 is 0.916), a quotient (22/24) or a fraction. Error 22023 for what is no mark, or more than fine.';

comment on function loan_engine.haircut_value(numeric, numeric, numeric, numeric, numeric) is
'quantity × purity × price × exchange_rate × (1 − haircut), not rounded; the haircut is a fraction, 0.1 for 10 %. Error 22023 for a quantity, price or rate that is not above zero.';

comment on function loan_engine.indexed_value(numeric, numeric, numeric) is
'An appraisal carried on by an index of prices: appraisal × index_now / index_then.';

comment on function loan_engine.depreciated_value(numeric, integer, integer[], numeric[]) is
'What a thing that ages is worth after so many months: its price times the part that a curve leaves, on straight lines between its points (age in months, part of the price), and as the first and the last point say outside them.';

comment on function loan_engine.expression_names(text) is
'The names in an expression that need values, each once; price stands for index, too. An expression has numbers, lower-case names, + - * /, parentheses, min(a, b) and max(a, b). Error 22023 with the place, in characters from 1, for what cannot be read or is not a straight line in the price.';

comment on function loan_engine.expression_value(text, jsonb) is
'What an expression comes to with the values given by name, as numbers or the text of numbers: fixed + per_price × price, exact to 28 digits. Error 22023 for a name without a value and for a part below zero, 22012 for a division by zero.';

comment on function loan_engine.loan_to_value(numeric, numeric) is
'Debt over value, a fraction: 0 without debt, NULL for a debt without value. Error 22023 for a debt or value below zero.';

comment on function loan_engine.margin_shortfall(numeric, numeric, numeric) is
'What brings a loan-to-value ratio down to a target: as money, debt − target × value, and as more collateral after haircuts, debt / target − value, in currency units; zero where nothing is missing.';

comment on function loan_engine.margin_price(numeric, numeric, numeric, numeric) is
'The price of one asset at which a loan-to-value ratio reaches a level: (debt / level − other_value) / quantity, the quantity counted after purity, exchange rate and haircut; NULL where the other value is enough at any price.';

comment on function loan_engine.tiered_ltv(numeric, numeric[], numeric[]) is
'The highest loan-to-value ratio for a loan of an amount: ltv of the first tier whose up_to it does not exceed, and the last of ltv beyond them, as the Reserve Bank of India has it for loans against gold.';

comment on function loan_engine.suggest_haircut(float8[], float8, integer) is
'A haircut from daily prices, the oldest first: the quantile (type 7) of the loss over so many prices, 1 − later / earlier, of all overlapping spans, and no less than 0. Error 22023 for fewer losses than 1 / (1 − confidence).';

comment on function loan_engine._margin_look(numeric[], numeric, integer, numeric, numeric, integer, numeric, numeric[], numeric[], numeric[], boolean) is
'How a pool of collateral stands at the prices given: its level, its value, for how many days from today its bands hold, and the bands of its prices and exchange rates within which the level stays.';

-- Money

comment on function loan_engine.currencies() is
'Every currency of ISO 4217 with its numeric code and the decimals of its minor unit.';

comment on function loan_engine.minor_units(text) is
'Decimals of the minor unit of an ISO 4217 currency: 2 for EUR, 0 for JPY, 3 for KWD. Error 22023 for a code the standard does not list.';

comment on function loan_engine.round_money(numeric, text, text) is
'An amount rounded to the minor unit of its currency; mode is half_even, half_up, half_down, up, down, ceiling or floor.';

comment on function loan_engine._interest_on(numeric, numeric, integer, text, text) is
'Interest earned so many days after the first of a straight line: base + per_day x days, rounded to the minor unit of its currency as the loan rounds.';

comment on function loan_engine._interest_of_day(numeric, numeric, integer, text, text) is
'What the day so many days after the first of a straight line adds to the interest earned: _interest_on of it less that of the day before.';

comment on function loan_engine.round_to_multiple(numeric, numeric, text) is
'An amount rounded to a whole multiple, such as the 0.05 of Swiss cash or the whole unit of an instalment. Error 22023 for a multiple of zero or less.';

comment on function loan_engine.allocate(numeric, numeric[], integer) is
'An amount divided in proportion to weights, each share in whole minor units and the shares summing to the amount (largest remainder). Error 22023 for weights that are negative or all zero.';

-- Calendar

comment on function loan_engine.year_fraction(date, date, text, text, date, date, date, date, boolean, date[], integer[]) is
'The part of a year between two dates by a day-count convention, exact to 28 digits; negative where the start is after the end. "30/360" alone is the bond basis of ISDA 2006 4.16(f), "ACT/365" is ACT/365F, "ACT/ACT" is ISDA. What only some conventions need (frequency and period for ICMA, holidays for BUS/252) is refused with 22004 where it is missing.';

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

comment on function loan_engine.payment_dates(date, text, integer, date, date, date, text, text, text, date[], integer[]) is
'The periods of a schedule with the dates on which payment is due, each counted from the seed and never from the date before: 31 January, 28 February, 31 March. Give periods, end_date or both; roll is same_day, last_day, first_day_of_next_month or a weekday such as "second tuesday"; stub says where an odd period goes.';

-- Interest

comment on function loan_engine.simple_interest(numeric, numeric, date, date, text) is
'Simple interest on a principal between two dates, the end not counted, at an annual rate (a fraction); not rounded.';

comment on function loan_engine.simple_interest(numeric, date[], numeric[], date, date, text) is
'Simple interest between two dates at annual rates that change on the way, each in force from its date; not rounded.';

comment on function loan_engine.compound_interest(numeric, numeric, date, date, text, text) is
'Compound interest on a principal between two dates at a nominal annual rate (a fraction); compounding is simple, continuous, a frequency such as monthly, or a number of periods a year; not rounded.';

comment on function loan_engine.compound_interest(numeric, date[], numeric[], date, date, text, text) is
'Compound interest between two dates at nominal annual rates that change on the way; not rounded.';

comment on function loan_engine.daily_interest(numeric, numeric, date, text, integer, text) is
'The interest of one day on a balance, balance x annual rate / days of the year by the day count; rounded only where minor_units is given.';

comment on function loan_engine.effective_rate(numeric, integer) is
'The effective annual rate (1 + i/n)^n - 1 of a nominal annual rate compounded n times a year; rates are fractions.';

comment on function loan_engine.nominal_rate(numeric, integer) is
'The nominal annual rate, compounded n times a year, of an effective annual rate: the inverse of effective_rate.';

comment on function loan_engine.convert_rate(numeric, text, text, numeric) is
'The annual rate that under another compounding grows the same over a number of years; compounding is simple, continuous, a frequency, or a number of periods a year.';

-- Time value of money: money received is positive, money paid negative; timing is end or begin.

comment on function loan_engine.pv(numeric, integer, numeric, numeric, text) is
'Present value of level payments and a final amount at a rate per period; money received is positive. Exact, not rounded.';

comment on function loan_engine.fv(numeric, integer, numeric, numeric, text) is
'Future value of level payments and a present amount at a rate per period; money received is positive. Exact, not rounded.';

comment on function loan_engine.pmt(numeric, integer, numeric, numeric, text) is
'The level payment that repays a present amount down to a future one; negative for a loan received. Exact, not rounded.';

comment on function loan_engine.ipmt(numeric, integer, integer, numeric, numeric, text) is
'The interest in the payment of one period, counted from 1.';

comment on function loan_engine.ppmt(numeric, integer, integer, numeric, numeric, text) is
'The principal in the payment of one period, counted from 1: pmt less ipmt.';

comment on function loan_engine.nper(numeric, numeric, numeric, numeric, text) is
'The number of periods, not necessarily whole, over which payments repay an amount; NULL where they never do.';

comment on function loan_engine.rate(integer, numeric, numeric, numeric, text) is
'The rate per period at which payments repay an amount; NULL where there is none. Several solve it only where the signs change twice; then the one nearest zero as xirr chooses.';

comment on function loan_engine.npv(numeric, numeric[]) is
'Net present value of amounts one period apart, the first not discounted; exact to 28 digits.';

-- Rates of return

comment on function loan_engine.irr(numeric[]) is
'Internal rate of return per period; NULL where there is none. Of several rates: the smallest positive one where more is received than paid, else the negative one nearest zero; each is verified.';

comment on function loan_engine.mirr(numeric[], numeric, numeric) is
'Modified internal rate of return: payments discounted at one rate, receipts reinvested at another; NULL unless there are both.';

comment on function loan_engine.xnpv(numeric, numeric[], date[], text) is
'Present value of dated amounts on the earliest date at an effective annual rate.';

comment on function loan_engine.xirr(numeric[], date[], text) is
'Effective annual rate of return of dated amounts; NULL where there is none. The choice among several is that of irr.';

comment on aggregate loan_engine.xirr(numeric, date) is
'Effective annual rate of return of the rows'' dated amounts, ACT/365F; rows with NULL are passed over; the same to the last bit in whatever order rows arrive.';

comment on aggregate loan_engine.xnpv(numeric, numeric, date) is
'Present value of the rows'' dated amounts on the earliest date at an effective annual rate, ACT/365F.';

-- Support of aggregates

comment on function loan_engine._flows_transition(internal, numeric, date) is
'Takes one dated amount into the state of xirr.';

comment on function loan_engine._valued_flows_transition(internal, numeric, numeric, date) is
'Takes one dated amount and the rate into the state of xnpv.';

comment on function loan_engine._flows_combine(internal, internal) is
'Joins the states of two parallel workers.';

comment on function loan_engine._flows_serial(internal) is
'Writes a state for another process.';

comment on function loan_engine._flows_deserial(bytea, internal) is
'Reads a state from another process.';

comment on function loan_engine._xirr_final(internal) is
'The rate of return of a state.';

comment on function loan_engine._xnpv_final(internal) is
'The present value of a state.';

-- ACTUS

comment on function loan_engine.actus_events(jsonb, jsonb, date) is
'The events of an ACTUS contract (PAM, LAM, NAM, ANN, LAX, CLM) after its status date: what is paid when, and how the contract stands afterwards; never rounded to a minor unit. Terms have the names of the ACTUS dictionary; observed holds dataObserved and eventsObserved. Error 22023 names each term that is wrong with its path.';

-- Loans

comment on function loan_engine.amortisation_schedule(numeric, numeric, integer, date, date, text, text, text, text, jsonb) is
'The schedule of a loan: an amount lent on a day at a nominal annual rate (a fraction) and repaid in instalments, by default monthly, of equal total, interest on 30/360, exact to the cent. opening_balance is what is owed before the instalment, tranches of the period included. Whatever else is agreed stands in terms; see the guide to terms. Error 22023 names every term that is wrong.';

comment on function loan_engine.amortisation_schedule(jsonb) is
'The schedule of a loan whose terms are all in one document.';

comment on function loan_engine.check_terms(jsonb) is
'Everything that is wrong with a document of terms, the schedule''s and the servicing''s, each with its path; no row for terms a loan can be opened with.';

comment on function loan_engine.instalment_amount(numeric, numeric, integer, date, jsonb) is
'The regular instalment of a loan without fees, rounded as its schedule is.';

comment on function loan_engine.solve_term(numeric, numeric, numeric, date, jsonb) is
'The number of instalments with which instalments of an amount repay a loan, the last not larger than the others. Error 22023 where they never do.';

comment on function loan_engine.solve_principal(numeric, numeric, integer, date, jsonb) is
'The largest amount that can be borrowed for an instalment, in whole minor units, found on the schedule itself.';

comment on function loan_engine.solve_rate(numeric, numeric, integer, date, jsonb) is
'The nominal annual rate at which the instalment is exactly an amount; of the interval of rates that round to it, the one with the fewest decimals.';

comment on function loan_engine.total_cost(numeric, numeric, integer, date, jsonb) is
'What a loan costs: principal, interest, fees (those of disbursement included) and their total, with the annual percentage rates of Regulation Z and of the European Union as they are disclosed, fractions.';

-- A loan's life

comment on function loan_engine.fold(jsonb, jsonb, date) is
'The state of a loan: its terms, and everything recorded in that order, folded; with as_of, only what took effect up to that day. The state can be stored, and is what the other functions of a loan''s life take. A refusal names the operation that is not taken; see the page on errors for the codes LN101 to LN110.';

comment on function loan_engine.apply(jsonb, jsonb) is
'The state of a loan after one more operation, the same as everything folded again. Where the operation takes effect before others, or takes one back, those after it run again; transactions that come to something else are reversed and made anew.';

comment on function loan_engine.loan_at(jsonb, jsonb, date, date) is
'The state of a loan on the evening of valid_on, by what was known on the evening of known_on: what had taken effect, and what had been recorded. Without one of the days, by everything.';

comment on function loan_engine.fold_difference(jsonb, jsonb) is
'What a later state of a loan is beyond an earlier one: transactions reversed, made and restated, lines and charges that came to something else, movements posted, and the status if it changed.';

comment on function loan_engine.payoff_quote(jsonb, date) is
'What ends a loan if it is paid on a day and nothing happens before, by component and in all: a payment of exactly the total on the day closes the loan. good_through is the last day on which the same amount does, NULL where no day changes it; per_day is what the day after adds.';

comment on function loan_engine.accrued_interest(jsonb, date) is
'Interest earned up to a day, how much of it was recognised as income, and how much was not.';

comment on function loan_engine.delinquency(jsonb, date) is
'How late a loan is on a day: days since the oldest due date that is not paid, the same after grace and without pauses, what is overdue, and the class of the terms that those days are in. No dates and zero days for a loan that is not late.';

comment on function loan_engine.loan_outlook(jsonb, date) is
'What a loan looks like at the end of a day, and until when that is told without asking again: until holds_until, interest earned is earned_base + earned_per_day x days since, rounded as the terms round amounts, and every other column but days_past_due, which counts from oldest_unpaid, stays. NULL in holds_until where nothing changes by time. What is earned has what was forgiven taken off; settled is what was paid or given up, what a chargeback took back taken off, so that earned - settled is receivable. needs_end_of_day says that ending the day charges a penalty.';

comment on function loan_engine._loan_outlook(bytea, date) is
'What loan_outlook says, of a state in its short form.';

comment on function loan_engine.delinquent_instalments(jsonb, date) is
'How late each unpaid instalment is on a day, for loans whose terms ask for delinquency by instalment.';

comment on function loan_engine.explain(jsonb, text) is
'What an amount of a state is made of, named by its path, such as lines[0].paid.interest, outstanding.principal, transactions[2].amount or overpaid: parts that sum to it, each with the operation, transaction or formula it comes from and the path that explains it further.';

comment on function loan_engine.fold_balances(jsonb) is
'Where a loan stands: its status, what is outstanding by component, money held for the borrower, and the days that count.';

comment on function loan_engine.fold_schedule(jsonb) is
'The instalments of a state: what is due, paid, waived, written off and outstanding by component, and the day each was settled.';

comment on function loan_engine.fold_schedule(jsonb, jsonb, date) is
'The instalments of a loan from its terms and operations: what is due, paid, waived, written off and outstanding by component, and the day each was settled.';

comment on function loan_engine.fold_transactions(jsonb) is
'The transactions of a state in the order made, reversed ones too: what each did by component, principal outstanding after it, and what it replaces or was reversed by.';

comment on function loan_engine.fold_allocations(jsonb) is
'What each transaction that stands paid of which instalment, by component; negative for what it took back.';

comment on function loan_engine.fold_charges(jsonb) is
'The charges of a state and what became of each; one that was withdrawn is not active.';

comment on function loan_engine.fold_journal(jsonb) is
'The double-entry movements of a state in the order posted, on accounts that a book maps to its chart of accounts; debits equal credits for each transaction.';

-- Annual percentage rates: amounts the borrower receives are positive, amounts paid negative.

comment on function loan_engine.apr_us(numeric[], date[], boolean) is
'The annual percentage rate by the actuarial method of Regulation Z, appendix J, unit-periods found from the dates; a fraction with the four decimals that are disclosed, or all digits where not rounded. NULL where no rate solves it.';

comment on function loan_engine.apr_eu(numeric[], date[], text, boolean) is
'The annual percentage rate of charge of Directive 2008/48/EC, annex I; period is the one in which intervals are counted: months, weeks or years. A fraction with three decimals, one of per cent, or all digits where not rounded.';

comment on aggregate loan_engine.loan_state(jsonb, jsonb) is
'The state of a loan from its terms and its operations in the order recorded, as loan_engine.fold tells it: loan_state(terms, operation order by version). Terms are those of the first row; rows whose operation is NULL are passed over; NULL without rows. Refuses what the fold refuses.';
comment on function loan_engine._loan_state_transition(internal, jsonb, jsonb) is
'Takes one operation into the state of loan_state.';
comment on function loan_engine._loan_state_final(internal) is
'The state of a loan from the operations that loan_state gathered.';

comment on aggregate loan_engine.weighted_average(numeric, numeric) is
'The average of values by weight, exact: sum(value x weight) / sum(weight); NULL where the weights sum to zero. Rows with NULL are passed over.';

comment on function loan_engine._weighted_average_transition(internal, numeric, numeric) is
'Takes one value with its weight into the state of weighted_average.';

comment on function loan_engine._weighted_average_inverse(internal, numeric, numeric) is
'Takes one value with its weight out of the state again, or gives up where digits were lost.';

comment on function loan_engine._weighted_average_combine(internal, internal) is
'Joins the states of two parallel workers.';

comment on function loan_engine._weighted_average_serial(internal) is
'Writes a state for another process.';

comment on function loan_engine._weighted_average_deserial(bytea, internal) is
'Reads a state from another process.';

comment on function loan_engine._weighted_average_final(internal) is
'The average of a state.';

-- Books

alter function loan_engine._book_parts(text) rows 50;
alter function loan_engine.check_book(name) rows 25;

comment on function loan_engine.create_book(name, text, text, date) is
'Makes a schema and fills it with the tables, views, triggers and procedures of a lender''s book, owned by the caller. base_currency is an ISO 4217 code, time_zone one of pg_timezone_names, business_date the day the book opens on. Refuses a schema that exists (42P06).';

comment on function loan_engine.upgrade_book(name) is
'Brings a book to the version of the engine and returns the version it is of then. Refuses what it knows no way from (0A000).';

comment on function loan_engine.drop_book(name, boolean) is
'Drops a book with all that is in it. One with postings is refused (55000) unless with_postings is true.';

comment on function loan_engine.check_book(name) is
'Runs every check of a book: its name, how many faults it found, and where one of them is. A sound book has none.';

comment on function loan_engine._version_of(name) is
'The version of the engine that made or last upgraded a book; 3F000 if there is none of that name.';

comment on function loan_engine._book_parts(text) is
'The scripts that make a book, in order, for a schema of the name.';

comment on function loan_engine._book_version() is
'The version of the books that this engine makes.';

comment on function loan_engine._hash_link(bytea, bytea, text) is
'SHA-256 of the link before, which is state or else previous, and of a content in UTF-8.';

comment on aggregate loan_engine._hash_chain(bytea, text) is
'The last link of a chain over contents in order; as a window aggregate the link of each row. previous is the link before the first.';

-- Loans in the short form, for a book's own use

comment on function loan_engine._loan_open(jsonb) is
'The short form of a loan that is agreed and not lent yet.';

alter function loan_engine._loan_lines(bytea) cost 10 rows 36;

comment on function loan_engine._loan_at(jsonb, jsonb, date, date) is
'The packed state of a loan as loan_at tells it: at the end of one day, by what was known at the end of another.';

comment on function loan_engine._loan_fold(jsonb, jsonb) is
'The short form of a loan folded from its terms and everything recorded.';

comment on function loan_engine._loan_serve(bytea, jsonb, date, jsonb, jsonb, uuid, integer, text, date, date, uuid, bytea, date, uuid, uuid, text, text, boolean, date, date, date, numeric, numeric, numeric) is
'What operations bring to a book, as bytes that the functions _served_ read as rows of its tables: the state after them in the short form, entries, what was paid of instalments, and the outlook on a day. With terms and history, everything recorded before, the loan is folded from these in place of the state, and any operation is possible; without, operations that look back are answered by NULL. With recorded_on, operations is what one operation says, whose kind, day and version stand beside it, and NULL is the answer, too, where something is of an earlier one. All other arguments are handed on.';

comment on function loan_engine._served_transactions(bytea) is
'The ledger transactions of answers of _loan_serve, put one behind the other: one for each operation that booked something. kind, valid_on and payment_id are those of the last operation, version.';

comment on function loan_engine._served_entries(bytea) is
'The entries of the ledger transactions of answers of _loan_serve, put one behind the other; debits above zero.';

comment on function loan_engine._served_portions(bytea) is
'What was paid of instalments, or is held, by answers of _loan_serve, put one behind the other; taken back where negative. kind and payment_id are those of the last operation, version.';

comment on function loan_engine._served_states(bytea) is
'The states of loans in the short form, by answers of _loan_serve, put one behind the other.';

comment on function loan_engine._served_lines(bytea) is
'The loans whose straight line ends by answers of _loan_serve, put one behind the other, with the last day that was ended and what was receivable then.';

comment on function loan_engine._served_balances(bytea) is
'What loans come to by answers of _loan_serve, put one behind the other: what was handed on, the outlook, and what is receivable.';

comment on function loan_engine._loan_lines(bytea) is
'The schedule of a loan in the short form, an instalment a row, as fold_schedule shows it.';

-- What is elsewhere

revoke all on procedure loan_engine._fetch(text, jsonb, text, integer, integer, integer, text, integer, bytea, timestamptz, jsonb) from public;

comment on procedure loan_engine._fetch(text, jsonb, text, integer, integer, integer, text, integer, bytea, timestamptz, jsonb) is
'Fetches what is at a URL, having committed, so that nothing is locked while it waits. credential names a file in the folder of loan_engine.fetch_credentials. Hosts must be listed in loan_engine.fetch_hosts. It takes no longer than time_out_seconds (1 to 300) with everything that belongs to it, and no more than most_bytes. Fills status, content_type, retry_after_seconds and body, or failure with code, message, detail and hint; and fetched_at. Not for everybody: execution must be granted.';

comment on function loan_engine.check_fetch(text, jsonb, integer, integer) is
'Refuses with 22023 a request that _fetch would not make, whatever its host: a URL, headers, a time-out in seconds or a number of bytes that are not taken.';

alter function loan_engine.read_prices(bytea, jsonb) cost 1000 rows 100;

comment on function loan_engine.read_prices(bytea, jsonb) is
'The rows of a price list, JSON or CSV, by a format: each a quote (symbol, priced_at, bid, ask, mid, currency) or a fault with its reason, and raw as it was given. A list that is none, or has nothing where the format says, is refused (LN309). docs/feeds.md says what a format is.';

-- Pay cycles

comment on function loan_engine.pay_cycle(date[], numeric[], date, date[], integer[], jsonb) is
'The rule by which somebody is paid, inferred from the days they were: kind (daily, weekly, biweekly, four_weekly, semimonthly, monthly, quarterly, semiannual, annual, irregular), cycle as pay_dates takes it, roll (what becomes of days without business) and confidence, the probability of the kind. Days of the cycle expected, hits of which exact on the day, missed, rolled; payments on none are spurious; support is hits by expected and spurious. Gaps in days, next date with its window and the probability of that. Payments below 0.3 of the median amount are not counted. as_of is the day until which all is known, the last payment when NULL. prior: {"kinds": {kind: share}, "cycles": {cycle: colleagues}, "rolls": {roll: times}, "gaps": [days]}.';

comment on function loan_engine.pay_dates(text, date, date, date[], integer[]) is
'The days on which a pay cycle pays from one day through another, each with the day of the rule from which it was moved. A cycle is written such as "weekly friday preceding", "biweekly 2000-01-07 preceding", "semimonthly 15 31 preceding", "monthly 1 following", "monthly friday -1 preceding", "monthly business -1", "quarterly month 3 31 preceding".';

-- Webhooks

comment on function loan_engine.check_webhook_format(jsonb, jsonb) is
'Refuses with 22023 a signature scheme or a mapping of webhooks that cannot be read; docs/intake.md says what they are.';

revoke all on function loan_engine._webhook_fault(jsonb, text, jsonb, bytea, timestamptz) from public;

comment on function loan_engine._webhook_fault(jsonb, text, jsonb, bytea, timestamptz) is
'Why it is not proved that a provider sent a body with these headers; NULL when its signature is right at the moment (now when NULL). secret names a file in the folder of loan_engine.fetch_credentials. Not for everybody: execution must be granted.';

comment on function loan_engine._webhook_event_id(bytea, jsonb) is
'The name of the event that a body tells of by a mapping; NULL where there is none.';

alter function loan_engine.read_payments(bytea, jsonb) cost 1000 rows 1;

comment on function loan_engine.read_payments(bytea, jsonb) is
'The payments that the body of a webhook tells of by a mapping, as payment_inbox takes them, or the fault of each. An event of another type than the mapping lists has none; a body that is none is one fault. docs/intake.md says what a mapping is.';

-- Work: delays, rates and slots

alter function loan_engine.cron_slots(text, text, timestamptz, timestamptz, integer) rows 10;

comment on function loan_engine.retry_delay(integer, double precision, double precision, double precision) is
'How long to wait after so many failed attempts, in seconds: chance * min(most_seconds, first_seconds * 2^(attempt - 1)), exponential backoff with full jitter for a chance from 0 to 1.';
comment on function loan_engine.gcra(timestamptz, timestamptz, integer, interval, integer) is
'The generic cell rate algorithm for so many jobs a period with a burst: from when a key may begin its next job whose next cell would arrive at a time, and when the one after that would arrive if it begins at another.';
comment on function loan_engine.cron_slots(text, text, timestamptz, timestamptz, integer) is
'The slots of a cron expression in a time zone, after one moment through another, the earliest first. A time of day that a clock put forward leaves out is kept at the first moment after the gap, one that occurs twice at its first.';
comment on function loan_engine._limit_time(double precision) is
'Has the running statement cancelled when so many seconds have passed; NULL takes that back, down to what statement_timeout says.';
comment on procedure loan_engine._call(text) is
'Runs a statement that may itself end transactions, such as the CALL of a procedure that commits, as text.';
