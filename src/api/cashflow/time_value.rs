//! The time value of money.

use pgrx::prelude::*;

use crate::domain::cashflow::{self, PaymentTiming};
use crate::domain::decimal::to_f64;
use crate::pg::{Answer, List, Name, Num, OrReport};

#[pg_extern(immutable, parallel_safe)]
fn pv(
    rate: Num,
    periods: i32,
    payment: Num,
    future: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Num> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    cashflow::pv(rate.0, i64::from(periods), payment.0, future.0, timing).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn fv(
    rate: Num,
    periods: i32,
    payment: Num,
    present: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Num> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    cashflow::fv(rate.0, i64::from(periods), payment.0, present.0, timing).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn pmt(
    rate: Num,
    periods: i32,
    present: Num,
    future: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Num> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    cashflow::pmt(rate.0, i64::from(periods), present.0, future.0, timing).or_report().map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn ipmt(
    rate: Num,
    period: i32,
    periods: i32,
    present: Num,
    future: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Num> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    cashflow::ipmt(rate.0, i64::from(period), i64::from(periods), present.0, future.0, timing)
        .or_report()
        .map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn ppmt(
    rate: Num,
    period: i32,
    periods: i32,
    present: Num,
    future: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Num> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    cashflow::ppmt(rate.0, i64::from(period), i64::from(periods), present.0, future.0, timing)
        .or_report()
        .map(Num)
}

#[pg_extern(immutable, parallel_safe)]
fn nper(
    rate: Num,
    payment: Num,
    present: Num,
    future: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Option<f64>> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    let [rate, payment, present, future] = [rate, payment, present, future].map(|n| to_f64(n.0));
    cashflow::nper(rate, payment, present, future, timing).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn rate(
    periods: i32,
    payment: Num,
    present: Num,
    future: default!(Num, "0"),
    timing: default!(Name<'_>, "'end'"),
) -> Answer<Option<f64>> {
    let timing = PaymentTiming::parse(timing.0).or_report()?;
    let [payment, present, future] = [payment, present, future].map(|n| to_f64(n.0));
    cashflow::rate(f64::from(periods), payment, present, future, timing).or_report()
}

#[pg_extern(immutable, parallel_safe)]
fn npv(rate: Num, amounts: List<Num>) -> Answer<Num> {
    let amounts: Vec<_> = amounts.iter().map(|amount| amount.0).collect();
    cashflow::npv_exact(rate.0, &amounts).or_report().map(Num)
}
