//! The arithmetic without a server: each figure beside its baseline, the two measured in turn and
//! the median of five rounds quoted. On a shared machine only the ratios mean anything.

use std::hint::black_box;
use std::time::Instant;

use chrono::{Days, NaiveDate};
use loan_engine::domain::calendar::{DayCount, DayCountContext};
use loan_engine::domain::cashflow::DatedFlows;
use loan_engine::domain::loan::servicing::{
    Action, Loan, LoanTerms, Operation, PaymentKind, Shapes,
};
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

/// Measures one thing against the time it may take, in microseconds, and returns what it took.
fn limited(name: &str, limit: f64, units: f64, run: &mut dyn FnMut() -> f64) -> f64 {
    run();
    let took = median((0..ROUNDS).map(|_| run() / units).collect()) * 1e6;
    let verdict = if took <= limit { "within" } else { "BEYOND" };
    println!("{name}: {took:.2} us, {verdict} the limit of {limit} us");
    took
}

/// A loan of so many instalments on which something is paid on every due date, early or late.
fn life(instalments: u32, payments: u32) -> (LoanTerms, Vec<Operation>) {
    let terms = LoanTerms::new(ScheduleTerms { instalments, ..terms(7) });
    let on = terms.schedule.disbursed_on;
    let record = |on, action| Operation { on, recorded_on: None, id: None, currency: None, action };
    let mut operations = vec![record(on, Action::Disburse { amount: terms.schedule.principal })];
    for number in 1..=u64::from(payments) {
        let day = on + Days::new(number * 30 + number % 7);
        let amount = Decimal::new(60_000 + i64::from(payments) * 7, 2);
        let kind = PaymentKind::Repayment;
        operations.push(record(day, Action::Repay { amount, kind }));
    }
    (terms, operations)
}

/// Seconds that folding takes, so many times.
fn folds(times: u32, (terms, operations): &(LoanTerms, Vec<Operation>)) -> f64 {
    seconds(&mut || {
        for _ in 0..times {
            let folded = Loan::fold(black_box(terms.clone()), black_box(operations));
            assert!(folded.is_ok());
            black_box(&folded);
        }
    })
}

fn servicing() {
    let (terms, operations) = life(36, 13);
    let Some((last, before)) = operations.split_last() else { return };
    let Ok(loan) = Loan::fold(terms, before) else { return };
    // Each run takes a copy of its own, whose making is measured beside it and taken off.
    limited("one more repayment of a loan of 36 instalments", 3.0, 10_000.0, &mut || {
        let applied = seconds(&mut || {
            for _ in 0..10_000 {
                let applied = black_box(&loan).clone().apply(black_box(last));
                assert!(applied.is_ok());
                black_box(&applied);
            }
        });
        let copied = seconds(&mut || {
            for _ in 0..10_000 {
                black_box(&black_box(&loan).clone());
            }
        });
        applied - copied
    });
    let evening = before.last().map(|last| last.on + Days::new(3)).unwrap_or_default();
    limited("the outlook of a loan of 36 instalments", 2.0, 10_000.0, &mut || {
        seconds(&mut || {
            for _ in 0..10_000 {
                let outlook = black_box(&loan).outlook(black_box(evening));
                assert!(outlook.is_ok());
                black_box(&outlook);
            }
        })
    });
    let whole = life(360, 60);
    let took = limited("60 operations of a loan of 360 instalments", 300.0, 20.0, &mut || {
        folds(20, &whole)
    });
    let double = life(360, 120);
    let long = limited("120 operations of the same loan", 600.0, 20.0, &mut || folds(20, &double));
    println!("twice as many operations take {:.2} times as long", long / took);
}

/// The short forms of loans of 36 instalments at 12 %, each with 12 paid when they were due and the
/// next one as a book hands it over, and the day it is paid.
fn served() -> Vec<(Vec<u8>, String, NaiveDate)> {
    let made = |index: u32| {
        let on = NaiveDate::from_ymd_opt(2024, 1, 1 + index % 28)?;
        let principal = Decimal::new(10_000_000 + i64::from(index) * 1_713, 2);
        let mut terms = LoanTerms::new(ScheduleTerms::new(principal, Decimal::new(12, 2), 36, on));
        // As in every book, which recognises income itself.
        terms.servicing.accrual.periodic = false;
        let record =
            |on, action| Operation { on, recorded_on: None, id: None, currency: None, action };
        let lent = [record(on, Action::Disburse { amount: principal })];
        let mut loan = Loan::fold(terms, &lent).ok()?;
        let dues: Vec<_> = loan.lines().iter().map(|line| (line.due_date, line.charged)).collect();
        let (&(due, charged), before) = dues.get(..13)?.split_last()?;
        for (on, charged) in before {
            let amount = charged.total().ok()?;
            let paid = Action::Repay { amount, kind: PaymentKind::Repayment };
            loan = loan.apply(&record(*on, paid)).ok()?;
        }
        let next = format!(
            r#"[{{"id": "14", "on": "{due}", "type": "repay", "amount": {}, "recorded_on": "{due}"}}]"#,
            charged.total().ok()?
        );
        Some((loan.pack().ok()?, next, due))
    };
    (0..100).filter_map(made).collect()
}

/// What a book does with a payment: the state as stored, the operation as JSON, one on the other,
/// what that brings to the ledger, the state to be stored, and how the loan looks.
fn posts(loans: &[(Vec<u8>, String, NaiveDate)], shapes: &mut Shapes) -> bool {
    loans.iter().all(|(state, next, on)| {
        let loan = Loan::unpack(black_box(state), shapes);
        let read = serde_json::from_str(black_box(next)).map(Operation::list_from_json);
        let (Ok(loan), Ok(Ok(operations))) = (loan, read) else { return false };
        let Ok((loan, booking)) = loan.apply_all(&operations) else { return false };
        black_box(&booking);
        black_box(loan.pack()).is_ok() && black_box(loan.outlook(*on)).is_ok()
    })
}

fn posting() {
    let loans = served();
    assert_eq!(loans.len(), 100);
    let mut shapes = Shapes::default();
    limited("a payment of a loan of 36 instalments, stored to stored", 8.0, 10_000.0, &mut || {
        seconds(&mut || (0..100).for_each(|_| assert!(posts(&loans, &mut shapes))))
    });
}

fn main() {
    schedules();
    rates_of_return();
    servicing();
    posting();
}
