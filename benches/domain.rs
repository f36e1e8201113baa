//! The arithmetic without a server: each figure beside its baseline, the two measured in turn and
//! the median of five rounds quoted. On a shared machine only the ratios mean anything.

use std::hint::black_box;
use std::time::Instant;

use chrono::{Days, NaiveDate};
use loan_engine::domain::calendar::{DayCount, DayCountContext};
use loan_engine::domain::cashflow::DatedFlows;
use loan_engine::domain::loan::{ScheduleTerms, level, schedule};
use rust_decimal::Decimal;

const ROUNDS: usize = 5;

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds.get(seconds.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds of one run.
fn seconds(run: &mut dyn FnMut()) -> f64 {
    let started = Instant::now();
    run();
    started.elapsed().as_secs_f64()
}

/// Measures both in turn and prints one line; `units` and `baseline_units` are what a run of each
/// does, so that the baseline may do fewer.
fn pair(
    name: &str,
    baseline: &str,
    unit: &str,
    (units, ours): (f64, &mut dyn FnMut()),
    (baseline_units, theirs): (f64, &mut dyn FnMut()),
) {
    seconds(ours);
    seconds(theirs);
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        our_times.push(seconds(ours) / units);
        their_times.push(seconds(theirs) / baseline_units);
    }
    let ratios = our_times.iter().zip(&their_times).map(|(ours, theirs)| theirs / ours).collect();
    println!(
        "{name}: {:.2} million {unit}/s, {:.3} us each; {baseline}: {:.3} us each; {:.1} times faster",
        1e-6 / median(our_times.clone()),
        median(our_times) * 1e6,
        median(their_times) * 1e6,
        median(ratios),
    );
}

const LOANS: u32 = 2_000;
const INSTALMENTS: u32 = 360;

fn terms(index: u32) -> ScheduleTerms {
    let on = NaiveDate::from_ymd_opt(2024, 1, 31).unwrap_or_default();
    let principal = Decimal::new(10_000_000 + i64::from(index) * 1_713, 2);
    let rate = Decimal::new(i64::from(300 + index % 50 * 10), 4);
    ScheduleTerms::new(principal, rate, INSTALMENTS, on)
}

fn schedules() {
    let loans: Vec<ScheduleTerms> = (0..LOANS).map(terms).collect();
    let some: Vec<ScheduleTerms> = (0..LOANS / 20).map(terms).collect();
    let rows = f64::from(LOANS) * f64::from(INSTALMENTS);
    let mut found = level::LevelSchedule::default();
    pair(
        "schedule of 360 rows: terms to dates and four amounts",
        "the general engine, in decimals",
        "rows",
        (rows, &mut || {
            for terms in &loans {
                let exact = level::level_schedule(black_box(terms), &mut found);
                assert!(matches!(exact, Ok(true)));
                black_box(&found);
            }
        }),
        (rows / 20.0, &mut || {
            for terms in &some {
                black_box(schedule(black_box(terms)).is_ok());
            }
        }),
    );
}

/// A thousand flows of a loan paid every nine days.
fn flows() -> Vec<(NaiveDate, f64)> {
    let start = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default();
    (0..1_000u64)
        .map(|index| {
            let amount = if index == 0 { -250_000.0 } else { 400.0 + (index * 37 % 100) as f64 };
            (start + Days::new(index * 9), amount)
        })
        .collect()
}

/// Newton's method with a power a flow, as libraries commonly do it.
fn xirr_by_powers(flows: &[(NaiveDate, f64)]) -> f64 {
    let start = flows.iter().map(|flow| flow.0).min().unwrap_or_default();
    let years: Vec<f64> =
        flows.iter().map(|flow| (flow.0 - start).num_days() as f64 / 365.0).collect();
    let mut rate = 0.1;
    for _ in 0..100 {
        let (mut value, mut slope) = (0.0, 0.0);
        for ((_, amount), t) in flows.iter().zip(&years) {
            let discounted = amount * f64::powf(1.0 + rate, -t);
            value += discounted;
            slope -= t * discounted / (1.0 + rate);
        }
        let step = value / slope;
        rate -= step;
        if f64::abs(step) < 1e-13 {
            break;
        }
    }
    rate
}

fn rates_of_return() {
    let flows = flows();
    let context = DayCountContext::default();
    let xirr = || {
        DatedFlows::new(black_box(&flows), DayCount::Act365Fixed, &context)
            .and_then(|flows| flows.xirr())
    };
    let agreed =
        xirr().ok().flatten().is_some_and(|rate| (rate - xirr_by_powers(&flows)).abs() < 1e-12);
    assert!(agreed, "the baseline does the same work");
    pair(
        "xirr of 1,000 flows",
        "Newton's method with a power a flow",
        "rates",
        (1_000.0, &mut || (0..1_000).for_each(|_| drop(black_box(xirr())))),
        (200.0, &mut || {
            for _ in 0..200 {
                black_box(xirr_by_powers(black_box(&flows)));
            }
        }),
    );
}

fn main() {
    schedules();
    rates_of_return();
}
