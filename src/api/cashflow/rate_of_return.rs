//! Rates of return, and their aggregates.

use pgrx::datum::Internal;
use pgrx::pg_sys;
use pgrx::prelude::*;

use super::UnequalLists;
use crate::domain::calendar::civil::date_of;
use crate::domain::calendar::{DayCount, DayCountContext};
use crate::domain::cashflow::{self, DatedFlows, FlowAccumulator};
use crate::domain::decimal::to_f64;
use crate::pg::{self, Answer, Day, List, Name, Num, OrReport};

fn doubles(amounts: &List<Num>) -> Vec<f64> {
    amounts.iter().map(|amount| to_f64(amount.0)).collect()
}

fn dated(amounts: &List<Num>, dates: &List<Day>, day_count: &Name<'_>) -> Answer<DatedFlows> {
    if amounts.len() != dates.len() {
        return Err(UnequalLists(amounts.len(), dates.len())).or_report();
    }
    let day_count = DayCount::parse(day_count.0).or_report()?;
    let flows: Vec<_> =
        dates.iter().zip(amounts.iter()).map(|(day, amount)| (day.0, to_f64(amount.0))).collect();
    DatedFlows::new(&flows, day_count, &DayCountContext::default()).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn irr(amounts: List<Num>) -> Answer<Option<f64>> {
    cashflow::irr(&doubles(&amounts)).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn mirr(amounts: List<Num>, finance_rate: Num, reinvestment_rate: Num) -> Answer<Option<f64>> {
    cashflow::mirr(&doubles(&amounts), to_f64(finance_rate.0), to_f64(reinvestment_rate.0))
        .or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn xnpv(
    annual_rate: Num,
    amounts: List<Num>,
    dates: List<Day>,
    day_count: default!(Name<'_>, "'ACT/365F'"),
) -> Answer<f64> {
    dated(&amounts, &dates, &day_count)?.npv(to_f64(annual_rate.0)).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn xirr(
    amounts: List<Num>,
    dates: List<Day>,
    day_count: default!(Name<'_>, "'ACT/365F'"),
) -> Answer<Option<f64>> {
    dated(&amounts, &dates, &day_count)?.xirr().or_report()
}

/// The flows of a group, with the rate they are valued at where the aggregate has one.
#[derive(Clone, Default)]
struct Flows {
    flows: FlowAccumulator,
    annual_rate: Option<f64>,
}

/// Bytes of a flow between processes: the day number and the amount.
const FLOW_BYTES: usize = 12;

impl pg::AggregateState for Flows {
    const VERSION: u8 = 1;

    fn merge(&mut self, other: &Self) -> Answer<()> {
        self.annual_rate = self.annual_rate.or(other.annual_rate);
        self.flows.merge(&other.flows).or_report()
    }

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.annual_rate.unwrap_or(f64::NAN).to_le_bytes());
        for (day, amount) in self.flows.flows() {
            bytes.extend(day.to_le_bytes());
            bytes.extend(amount.to_le_bytes());
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (rate, flows) = bytes.split_first_chunk::<8>()?;
        let rate = f64::from_le_bytes(*rate);
        let mut state = Self { annual_rate: (!rate.is_nan()).then_some(rate), ..Self::default() };
        let mut rest = flows.chunks_exact(FLOW_BYTES);
        for flow in rest.by_ref() {
            let (day, amount) = flow.split_first_chunk::<4>()?;
            let day = date_of(i32::from_le_bytes(*day)).ok()?;
            state.flows.push(day, f64::from_le_bytes(amount.try_into().ok()?)).ok()?;
        }
        rest.remainder().is_empty().then_some(state)
    }
}

/// Rows in which the amount or the date is NULL are passed over, as by any aggregate.
#[pg_extern(immutable, parallel_safe)]
fn _flows_transition(
    state: Internal,
    amount: Option<Num>,
    on_date: Option<Day>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::transition(state, fcinfo, |state: &mut Flows| match (amount, on_date) {
        (Some(amount), Some(day)) => state.flows.push(day.0, to_f64(amount.0)).or_report(),
        _ => Ok(()),
    })
}

#[pg_extern(immutable, parallel_safe)]
fn _valued_flows_transition(
    state: Internal,
    annual_rate: Option<Num>,
    amount: Option<Num>,
    on_date: Option<Day>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::transition(state, fcinfo, |state: &mut Flows| match (annual_rate, amount, on_date) {
        (Some(rate), Some(amount), Some(day)) => {
            state.annual_rate = Some(to_f64(rate.0));
            state.flows.push(day.0, to_f64(amount.0)).or_report()
        }
        _ => Ok(()),
    })
}

#[pg_extern(immutable, parallel_safe)]
fn _flows_combine(
    state: Option<Internal>,
    other: Option<Internal>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::combine::<Flows>(state, other, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _flows_serial(state: Internal) -> Vec<u8> {
    pg::encode::<Flows>(state)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _flows_deserial(
    bytes: &[u8],
    _state: Internal,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Answer<Internal> {
    pg::decode::<Flows>(bytes, fcinfo)
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _xirr_final(state: Internal) -> Answer<Option<f64>> {
    let rate = pg::finish(&state, |state: &Flows| {
        state.flows.finish(DayCount::Act365Fixed, &DayCountContext::default())
    });
    Ok(rate.transpose().or_report()?.flatten())
}

#[pg_extern(immutable, strict, parallel_safe)]
fn _xnpv_final(state: Internal) -> Answer<Option<f64>> {
    let value = pg::finish(&state, |state: &Flows| {
        if state.flows.is_empty() {
            return Ok(None);
        }
        let flows = state.flows.dated_flows(DayCount::Act365Fixed, &DayCountContext::default())?;
        state.annual_rate.map(|rate| flows.npv(rate)).transpose()
    });
    Ok(value.transpose().or_report()?.flatten())
}
