//! Schedules of loans.

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::cashflow::apr::by_direction;
use crate::domain::cashflow::{self, Apr, EuPeriod};
use crate::domain::error::{Condition, Refusal};
use crate::domain::loan::level::{LevelSchedule, level_schedule};
use crate::domain::loan::{self, Schedule, ScheduleError, ScheduleTerms, schedule};
use crate::domain::money;
use crate::pg::{Answer, Cells, Day, Document, Name, Num, OrReport, Rows, Table, Whole};

/// The terms document is no object, or repeats an argument.
#[derive(Debug, thiserror::Error)]
enum TermsArgument {
    #[error("terms must be a JSON object")]
    NotAnObject,
    #[error("a term is given twice")]
    GivenTwice(&'static str),
    #[error("the number of instalments is negative")]
    NegativeCount(i32),
}

impl Refusal for TermsArgument {
    fn condition(&self) -> Condition {
        Condition::InvalidParameter
    }
    fn detail(&self) -> Option<String> {
        match self {
            Self::NotAnObject => None,
            Self::NegativeCount(count) => Some(format!("The number of instalments is {count}.")),
            Self::GivenTwice(name) => {
                Some(format!("The argument \"{name}\" is also a name in terms."))
            }
        }
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::NotAnObject => Some("Give an object such as {\"method\": \"flat\"}.".into()),
            Self::GivenTwice(_) => Some("Give it in one of the two places.".into()),
            Self::NegativeCount(_) => Some("Give at least one instalment.".into()),
        }
    }
}

/// The object that named arguments complete.
struct Draft(Map<String, Value>);

impl Draft {
    fn of(terms: Option<Document>) -> Answer<Self> {
        match terms.map(|document| document.0) {
            None => Ok(Self(Map::new())),
            Some(Value::Object(map)) => Ok(Self(map)),
            Some(_) => Err(TermsArgument::NotAnObject).or_report(),
        }
    }

    /// Puts an argument where it belongs: under a name, or under a name of an inner object.
    fn put(mut self, path: &'static str, value: Option<Value>) -> Answer<Self> {
        let Some(value) = value else { return Ok(self) };
        let (outer, inner) = path.split_once('.').unwrap_or((path, ""));
        let place = match inner {
            "" => Some((&mut self.0, outer)),
            inner => self
                .0
                .entry(outer)
                .or_insert_with(|| Value::Object(Map::new()))
                .as_object_mut()
                .map(|map| (map, inner)),
        };
        match place {
            Some((map, name)) if !map.contains_key(name) => map.insert(name.into(), value),
            _ => return Err(TermsArgument::GivenTwice(path)).or_report(),
        };
        Ok(self)
    }

    fn terms(self) -> Answer<ScheduleTerms> {
        read(Value::Object(self.0))
    }
}

fn read(document: Value) -> Answer<ScheduleTerms> {
    ScheduleTerms::from_json(document)
        .map_err(|problem| ScheduleError::Terms(vec![problem]))
        .or_report()
}

fn text(name: Option<Name<'_>>) -> Option<Value> {
    name.map(|name| json!(name.0))
}

fn date(day: Option<Day>) -> Option<Value> {
    day.map(|day| json!(day.0))
}

/// The four terms every loan has, and what `terms` adds.
fn loan_terms(
    principal: Num,
    annual_rate: Num,
    instalments: Whole,
    disbursed_on: Day,
    more: Option<Document>,
) -> Answer<ScheduleTerms> {
    let instalments = u32::try_from(instalments.0)
        .map_err(|_| TermsArgument::NegativeCount(instalments.0))
        .or_report()?;
    let plain = ScheduleTerms::new(principal.0, annual_rate.0, instalments, disbursed_on.0);
    if more.is_none() {
        return Ok(plain);
    }
    Draft::of(more)?
        .put("principal", Some(json!(principal.0)))?
        .put("annual_rate", Some(json!(annual_rate.0)))?
        .put("instalments", Some(json!(instalments)))?
        .put("disbursed_on", date(Some(disbursed_on)))?
        .terms()
}

/// A schedule by whichever of the two ways computed it.
enum Found {
    Level(LevelSchedule),
    /// With the decimals its amounts have at least.
    General(Schedule, u32),
}

impl Found {
    fn of(terms: &ScheduleTerms) -> Answer<Self> {
        let mut level = LevelSchedule::default();
        if level_schedule(terms, &mut level).or_report()? {
            return Ok(Self::Level(level));
        }
        Ok(Self::General(schedule(terms).or_report()?, terms.rounding.minor_units))
    }
}

impl Table<9> for Found {
    fn height(&self) -> usize {
        match self {
            Self::Level(level) => level.rows.len(),
            Self::General(schedule, _) => schedule.rows.len(),
        }
    }

    fn write(&self, at: usize, cells: &mut Cells<9>) {
        match self {
            Self::Level(level) => {
                let row = &level.rows[at];
                let (start, opening) = match at {
                    0 => (level.start, level.principal),
                    _ => (level.due[at - 1], level.rows[at - 1].closing),
                };
                cells.whole(at as i32 + 1);
                cells.epoch_day(start);
                cells.epoch_day(level.due[at]);
                for amount in [opening, row.principal, row.interest] {
                    cells.minor(amount, level.minor_units);
                }
                // Fees, which make a loan one that is not level.
                cells.nothing(level.minor_units);
                for amount in [row.total, row.closing] {
                    cells.minor(amount, level.minor_units);
                }
            }
            Self::General(schedule, minor_units) => {
                let row = &schedule.rows[at];
                cells.whole(row.number as i32);
                cells.day(Day(row.period_start));
                cells.day(Day(row.due_date));
                let amounts = [
                    row.owed(),
                    row.principal,
                    row.interest,
                    row.fees,
                    row.total,
                    row.closing_balance,
                ];
                for mut amount in amounts {
                    amount.rescale(amount.scale().max(*minor_units));
                    cells.amount(Num(amount));
                }
            }
        }
    }
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function amortisation_schedule(
    loan_amount numeric,
    annual_rate numeric,
    instalments integer,
    disbursed_on date,
    first_due_on date default null,
    frequency text default null,
    method text default null,
    day_count text default null,
    currency text default null,
    terms jsonb default null
) returns table (
    instalment integer,
    period_start date,
    due_date date,
    opening_balance numeric,
    principal numeric,
    interest numeric,
    fees numeric,
    instalment_total numeric,
    closing_balance numeric
) language c immutable parallel safe cost 1000 rows 120
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
#[allow(clippy::too_many_arguments)]
fn amortisation_schedule(
    loan_amount: Num,
    annual_rate: Num,
    instalments: Whole,
    disbursed_on: Day,
    first_due_on: Option<Day>,
    frequency: Option<Name<'_>>,
    method: Option<Name<'_>>,
    day_count: Option<Name<'_>>,
    currency: Option<Name<'_>>,
    terms: Option<Document>,
) -> Answer<Rows<Found, 9>> {
    let minor_units = currency
        .map(|code| money::currency(code.0).map(|currency| json!(currency.minor_units)))
        .transpose()
        .or_report()?;
    let more = Draft::of(terms)?
        .put("first_due_on", date(first_due_on))?
        .put("frequency", text(frequency))?
        .put("method", text(method))?
        .put("interest.day_count", text(day_count))?
        .put("rounding.minor_units", minor_units)?;
    let more = (!more.0.is_empty()).then_some(Document(Value::Object(more.0)));
    let terms = loan_terms(loan_amount, annual_rate, instalments, disbursed_on, more)?;
    Found::of(&terms).map(Rows)
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function amortisation_schedule(terms jsonb) returns table (
    instalment integer,
    period_start date,
    due_date date,
    opening_balance numeric,
    principal numeric,
    interest numeric,
    fees numeric,
    instalment_total numeric,
    closing_balance numeric
) language c immutable parallel safe strict cost 1000 rows 120
as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn amortisation_schedule_of_terms(terms: Document) -> Answer<Rows<Found, 9>> {
    Found::of(&read(terms.0)?).map(Rows)
}

#[pg_extern(immutable, parallel_safe)]
fn instalment_amount(
    loan_amount: Num,
    annual_rate: Num,
    instalments: Whole,
    disbursed_on: Day,
    terms: default!(Option<Document>, "NULL"),
) -> Answer<Num> {
    let terms = loan_terms(loan_amount, annual_rate, instalments, disbursed_on, terms)?;
    Ok(Num(match Found::of(&terms)? {
        Found::Level(level) => Decimal::new(level.instalment, level.minor_units),
        Found::General(schedule, _) => schedule.instalment,
    }))
}

#[pg_extern(immutable, parallel_safe)]
#[allow(clippy::type_complexity)]
fn total_cost(
    loan_amount: Num,
    annual_rate: Num,
    instalments: Whole,
    disbursed_on: Day,
    terms: default!(Option<Document>, "NULL"),
) -> Result<
    TableIterator<
        'static,
        (
            name!(principal, Num),
            name!(interest, Num),
            name!(fees, Num),
            name!(total, Num),
            name!(apr_us, Option<Num>),
            name!(apr_eu, Option<Num>),
        ),
    >,
    ErrorReport,
> {
    let terms = loan_terms(loan_amount, annual_rate, instalments, disbursed_on, terms)?;
    let schedule = schedule(&terms).or_report()?;
    let cost = loan::total_cost(&schedule).or_report()?;
    let flows = loan::cash_flows(&schedule).or_report()?;
    let (received, paid) = by_direction(flows.into_iter());
    let apr_us = cashflow::apr_us_dated(&received, &paid).or_report()?;
    let apr_eu =
        cashflow::apr_eu_dated(&received, &paid, EuPeriod::of(terms.frequency)).or_report()?;
    let disclosed = |apr: Option<Apr>| apr.map(|apr| Num(apr.disclosed));
    Ok(TableIterator::once((
        Num(cost.principal),
        Num(cost.interest),
        Num(cost.fees),
        Num(cost.total),
        disclosed(apr_us),
        disclosed(apr_eu),
    )))
}

#[pg_extern(immutable, parallel_safe)]
fn solve_term(
    loan_amount: Num,
    annual_rate: Num,
    instalment: Num,
    disbursed_on: Day,
    terms: default!(Option<Document>, "NULL"),
) -> Answer<i32> {
    let terms = loan_terms(loan_amount, annual_rate, Whole(1), disbursed_on, terms)?;
    let solved = loan::solve_term(&terms, instalment.0).or_report()?;
    Ok(solved.instalments as i32)
}

#[pg_extern(immutable, parallel_safe)]
fn solve_principal(
    instalment: Num,
    annual_rate: Num,
    instalments: Whole,
    disbursed_on: Day,
    terms: default!(Option<Document>, "NULL"),
) -> Answer<Num> {
    let terms = loan_terms(Num(Decimal::ONE), annual_rate, instalments, disbursed_on, terms)?;
    loan::solve_principal(&terms, instalment.0).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn solve_rate(
    loan_amount: Num,
    instalment: Num,
    instalments: Whole,
    disbursed_on: Day,
    terms: default!(Option<Document>, "NULL"),
) -> Answer<Num> {
    let terms = loan_terms(loan_amount, Num(Decimal::ZERO), instalments, disbursed_on, terms)?;
    loan::solve_rate(&terms, instalment.0).or_report().map(Num)
}
