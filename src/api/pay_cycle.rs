//! Pay cycles.

use pgrx::prelude::*;

use crate::api::calendar::business_calendar;
use crate::domain::behaviour::pay_cycle::{Cycle, Paid, PayCycles, Prior};
use crate::domain::calendar::civil::{date_of, day_number};
use crate::domain::decimal;
use crate::pg::{
    Answer, Cells, Day, Document, List, Name, Num, One, OrReport, Rows, Table, Whole, cell,
};

fn date(day: i32) -> Answer<Day> {
    date_of(day).or_report().map(Day)
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function pay_cycle(
    paid_on date[],
    amounts numeric[] default null,
    as_of date default null,
    holidays date[] default '{}',
    weekend integer[] default '{6,7}',
    prior jsonb default null
) returns table (
    kind text,
    cycle text,
    roll text,
    confidence double precision,
    payments integer,
    expected integer,
    hits integer,
    exact integer,
    missed integer,
    spurious integer,
    rolled integer,
    support double precision,
    gap_p10 double precision,
    gap_p50 double precision,
    gap_p90 double precision,
    next_date date,
    next_earliest date,
    next_latest date,
    next_confidence double precision
) rows 1 immutable parallel safe cost 50000
language c as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn pay_cycle(
    paid_on: List<Day>,
    amounts: Option<List<Num>>,
    as_of: Option<Day>,
    holidays: List<Day>,
    weekend: List<Whole>,
    prior: Option<Document>,
) -> Answer<One> {
    let calendar = business_calendar(&weekend, holidays)?;
    let days: Vec<i32> = paid_on.iter().map(|day| day_number(day.0)).collect();
    let amounts: Option<Vec<f64>> =
        amounts.map(|list| list.iter().map(|amount| decimal::to_f64(amount.0)).collect());
    let prior = match prior {
        None => Prior::default(),
        Some(Document(known)) => Prior::from_json(known).or_report()?,
    };
    let paid = Paid::new(&days, amounts.as_deref()).or_report()?;
    let as_of = as_of.map(|day| day_number(day.0));
    let found = PayCycles::new(&calendar).infer(&paid, as_of, &prior).or_report()?;
    let (tally, gaps) = (found.tally, found.gaps);
    let next = match found.next {
        None => [None, None, None],
        Some(next) => [Some(date(next.day)?), Some(date(next.earliest)?), Some(date(next.latest)?)],
    };
    let [next_date, next_earliest, next_latest] = next;
    let of_cycle = |count: u32| found.cycle.map(|_| count as i32);
    let roll = found.cycle.filter(|cycle| !cycle.rule.is_business()).map(|cycle| cycle.roll.name());
    Ok(One(vec![
        cell(found.kind.name()),
        cell(found.cycle.map(|cycle| cycle.to_string())),
        cell(roll),
        cell(found.confidence),
        cell(paid.days().len() as i32),
        cell(of_cycle(tally.expected())),
        cell(of_cycle(tally.hits())),
        cell(of_cycle(tally.exact)),
        cell(of_cycle(tally.missed)),
        cell(of_cycle(tally.spurious)),
        cell(of_cycle(tally.rolled)),
        cell(found.cycle.map(|_| tally.support())),
        cell(gaps.map(|gaps| gaps.p10)),
        cell(gaps.map(|gaps| gaps.p50)),
        cell(gaps.map(|gaps| gaps.p90)),
        cell(next_date),
        cell(next_earliest),
        cell(next_latest),
        cell(found.next.map(|next| next.confidence)),
    ]))
}

/// Pay days, each with the day of the rule.
struct PayDates(Vec<(Day, Day)>);

impl Table<2> for PayDates {
    fn height(&self) -> usize {
        self.0.len()
    }

    fn write(&self, row: usize, cells: &mut Cells<2>) {
        let (day, nominal) = self.0[row];
        cells.day(day);
        cells.day(nominal);
    }
}

#[pg_extern(
    immutable,
    parallel_safe,
    sql = r#"
create function pay_dates(
    cycle text,
    from_date date,
    through date,
    holidays date[] default '{}',
    weekend integer[] default '{6,7}'
) returns table (pay_date date, nominal_date date)
rows 26 immutable parallel safe cost 1000
language c as 'MODULE_PATHNAME', '@FUNCTION_NAME@';
"#
)]
fn pay_dates(
    cycle: Name<'_>,
    from_date: Day,
    through: Day,
    holidays: List<Day>,
    weekend: List<Whole>,
) -> Answer<Rows<PayDates, 2>> {
    let cycle: Cycle = cycle.0.parse().or_report()?;
    let calendar = business_calendar(&weekend, holidays)?;
    let (from, through) = (day_number(from_date.0), day_number(through.0));
    let days = PayCycles::new(&calendar).days(cycle, from, through).or_report()?;
    let rows: Answer<Vec<(Day, Day)>> =
        days.into_iter().map(|(day, nominal)| Ok((date(day)?, date(nominal)?))).collect();
    rows.map(PayDates).map(Rows)
}
