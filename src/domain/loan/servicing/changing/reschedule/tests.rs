//! What holds for everything that is agreed anew, on every kind of schedule.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::domain::calendar::Frequency;
use crate::domain::loan::servicing::properties::{
    Life, day, lived, money, operation as operation_on, projection, start, terms, tried,
};
use crate::domain::loan::servicing::{
    Action, Component, Line, Loan, LoanStatus, LoanTerms, Operation, TransactionKind,
};

/// Loans of every kind of schedule: progressive with interest that follows payments and with
/// interest that does not, without interest, cumulative, flat.
fn kinds() -> Vec<Value> {
    [
        json!({"annual_rate": "0.12", "recalculation": {"interest": "daily"}}),
        json!({"annual_rate": "0.12"}),
        json!({"annual_rate": "0"}),
        json!({"annual_rate": "0.12", "rounding": {"family": "cumulative"}}),
        json!({"annual_rate": "0.12", "rounding": {"family": "cumulative"}, "method": "flat"}),
    ]
    .into_iter()
    .map(|mut terms| {
        let common = json!({
            "principal": "1200", "instalments": 6, "disbursed_on": "2024-01-31"
        });
        for (name, value) in common.as_object().unwrap() {
            terms[name] = value.clone();
        }
        terms
    })
    .collect()
}

fn operation(mut value: Value) -> Operation {
    if value["on"].as_str() > Some("2024-03-01") {
        value["recorded_on"] = json!("2024-03-01");
    }
    serde_json::from_value(value).unwrap()
}

/// A loan that was lent and paid its first instalment.
fn loan(terms: &Value) -> Loan {
    let loan = Loan::open(LoanTerms::from_json(terms.clone()).unwrap()).unwrap();
    let lend = json!({"type": "disburse", "on": "2024-01-31", "amount": "1200"});
    let loan = loan.apply(&operation(lend)).unwrap();
    let due = loan.lines()[0].charged.total().unwrap();
    let pay = json!({"type": "repay", "on": "2024-02-29", "amount": due});
    loan.apply(&operation(pay)).unwrap()
}

fn dates(loan: &Loan) -> Vec<String> {
    loan.lines().iter().map(|line| line.due_date.to_string()).collect()
}

fn principal(loan: &Loan) -> Vec<Decimal> {
    loan.lines().iter().map(|line| line.charged.principal).collect()
}

const CHANGES: [&str; 10] = [
    r#"{"type": "pause_interest", "on": "2024-04-10", "to": "2024-05-20"}"#,
    r#"{"type": "change_rate", "on": "2024-04-10", "annual_rate": "0.24"}"#,
    r#"{"type": "change_due_date", "on": "2024-03-31", "to": "2024-04-15"}"#,
    r#"{"type": "reschedule", "on": "2024-04-30", "extra_instalments": 3}"#,
    r#"{"type": "reschedule", "on": "2024-04-30", "principal_grace": 2}"#,
    r#"{"type": "reschedule", "on": "2024-04-30", "interest_grace": 2}"#,
    r#"{"type": "reschedule", "on": "2024-04-30", "principal_grace": 1, "interest_grace": 2}"#,
    r#"{"type": "payment_holiday", "on": "2024-03-15", "to": "2024-05-02"}"#,
    r#"{"type": "skip_instalment", "on": "2024-04-30"}"#,
    r#"{"type": "pause_delinquency", "on": "2024-03-15", "to": "2024-05-02"}"#,
];

#[test]
fn what_is_lent_as_agreed_is_asked_for_as_agreed() {
    for mut terms in kinds() {
        if terms["method"] != "flat" {
            terms["rate_changes"] = json!([{"from": "2024-05-11", "annual_rate": "0.24"}]);
        }
        let agreed = Loan::open(LoanTerms::from_json(terms.clone()).unwrap()).unwrap();
        let lend = json!({"type": "disburse", "on": "2024-01-31", "amount": "1200"});
        let lent = agreed.clone().apply(&operation(lend)).unwrap();
        let charged =
            |loan: &Loan| loan.lines().iter().map(|line| line.charged).collect::<Vec<_>>();
        assert_eq!(charged(&lent), charged(&agreed), "{terms}");
    }
}

#[test]
fn a_rate_from_the_first_day_on_is_the_rate_of_the_loan() {
    for mut terms in kinds() {
        let lend = json!({"type": "disburse", "on": "2024-01-31", "amount": "1200"});
        let lent = |terms: &Value| {
            let loan = Loan::open(LoanTerms::from_json(terms.clone()).unwrap()).unwrap();
            loan.apply(&operation(lend.clone())).unwrap()
        };
        let change = json!({"type": "change_rate", "on": "2024-01-31", "annual_rate": "0.24"});
        let changed = lent(&terms).apply(&operation(change)).unwrap();
        let of_change: Vec<_> = changed.lines().iter().map(|line| line.charged).collect();
        terms["annual_rate"] = json!("0.24");
        let agreed: Vec<_> = lent(&terms).lines().iter().map(|line| line.charged).collect();
        assert_eq!(of_change, agreed, "{terms}");
    }
}

#[test]
fn what_was_agreed_since_goes_with_the_lending() {
    for terms in kinds() {
        let lent_on = |loan: Loan, day: &str| {
            let lend = json!({"type": "disburse", "on": day, "amount": "1200"});
            loan.apply(&operation(lend)).unwrap()
        };
        let agreed = Loan::open(LoanTerms::from_json(terms.clone()).unwrap()).unwrap();
        let mut loan = lent_on(agreed.clone(), "2024-01-31");
        for change in [
            json!({"type": "change_due_date", "on": "2024-03-31", "to": "2024-04-15"}),
            json!({"type": "undo_disbursement", "on": "2024-02-01", "all": true}),
        ] {
            loan = loan.apply(&operation(change)).unwrap();
        }
        let again = lent_on(loan, "2024-02-10");
        assert_eq!(again.lines(), lent_on(agreed, "2024-02-10").lines(), "{terms}");
    }
}

#[test]
fn whatever_is_agreed_anew_repays_what_was_lent_and_can_be_undone() {
    for terms in kinds() {
        let before = loan(&terms);
        for change in CHANGES {
            let mut change: Value = serde_json::from_str(change).unwrap();
            change["id"] = json!("change");
            let after = before.clone().apply(&operation(change.clone())).unwrap();
            let sum: Decimal = principal(&after).into_iter().sum();
            assert_eq!(sum, Decimal::from(1200), "{terms} {change} {:?}", after.lines());
            assert!(principal(&after).iter().all(|one| *one >= Decimal::ZERO));
            let undo = json!({"type": "reverse", "on": "2024-03-01", "of": "change"});
            let undone = after.apply(&operation(undo)).unwrap();
            assert_eq!(undone.lines(), before.lines(), "{terms} {change}");
        }
    }
}

#[test]
fn due_dates_move_behind_a_holiday_and_keep_to_their_series() {
    for terms in kinds() {
        let agreed = ["02-29", "03-31", "04-30", "05-31", "06-30", "07-31", "08-31", "09-30"]
            .map(|day| format!("2024-{day}"));
        let before = loan(&terms);
        assert_eq!(dates(&before), agreed[..6]);
        let holiday = json!({"type": "payment_holiday", "on": "2024-03-15", "to": "2024-05-02"});
        let after = before.clone().apply(&operation(holiday)).unwrap();
        assert_eq!(dates(&after)[0], agreed[0]);
        assert_eq!(dates(&after)[1..], agreed[3..8], "{terms}");
        let skip = json!({"type": "skip_instalment", "on": "2024-04-30"});
        let after = before.apply(&operation(skip)).unwrap();
        assert_eq!(dates(&after)[..2], agreed[..2]);
        assert_eq!(dates(&after)[2..], agreed[3..7], "{terms}");
    }
}

#[test]
fn a_day_that_was_agreed_stays_when_an_earlier_one_moves() {
    for terms in kinds() {
        let mut loan = loan(&terms);
        for (on, to, expected) in [
            ("2024-04-30", "2024-05-10", ["2024-03-31", "2024-05-10", "2024-06-10"]),
            ("2024-03-31", "2024-04-05", ["2024-04-05", "2024-05-10", "2024-06-10"]),
            ("2024-05-10", "2024-05-20", ["2024-04-05", "2024-05-20", "2024-06-20"]),
        ] {
            let change = json!({"type": "change_due_date", "on": on, "to": to});
            loan = loan.apply(&operation(change)).unwrap();
            assert_eq!(dates(&loan)[1..4], expected, "{terms}");
        }
        let behind = json!({"type": "change_due_date", "on": "2024-04-05", "to": "2024-05-20"});
        assert!(loan.apply(&operation(behind)).is_err());
    }
}

#[test]
fn added_instalments_take_their_part_and_grace_has_none() {
    for terms in kinds() {
        let before = loan(&terms);
        let more = json!({"type": "reschedule", "on": "2024-04-30", "extra_instalments": 3});
        let after = before.clone().apply(&operation(more)).unwrap();
        assert_eq!(after.lines().len(), 9, "{terms}");
        assert_eq!(principal(&after)[..2], principal(&before)[..2], "{terms}");
        let due: Vec<Decimal> =
            after.lines()[2..].iter().map(|line| line.charged.total().unwrap()).collect();
        let (least, most) = (due.iter().min().unwrap(), due.iter().max().unwrap());
        assert!(*most - *least < Decimal::TEN, "{terms} {due:?}");
        assert!(*most < before.lines()[2].charged.total().unwrap(), "{terms} {due:?}");
        let grace = json!({"type": "reschedule", "on": "2024-04-30", "principal_grace": 2});
        let after = before.apply(&operation(grace)).unwrap();
        assert_eq!(principal(&after)[2..4], [Decimal::ZERO; 2], "{terms}");
    }
}

#[test]
fn what_has_no_place_in_the_schedule_is_refused() {
    for terms in kinds() {
        let loan = loan(&terms);
        for refused in [
            r#"{"type": "change_due_date", "on": "2024-04-01", "to": "2024-04-15"}"#,
            r#"{"type": "change_due_date", "on": "2024-02-29", "to": "2024-03-15"}"#,
            r#"{"type": "change_due_date", "on": "2024-03-31", "to": "2024-02-29"}"#,
            r#"{"type": "reschedule", "on": "2024-04-30"}"#,
            r#"{"type": "reschedule", "on": "2024-04-30", "principal_grace": 6}"#,
            r#"{"type": "reschedule", "on": "2025-04-30", "extra_instalments": 1}"#,
            r#"{"type": "reschedule", "on": "2024-04-30", "extra_instalments": 4000000000}"#,
            r#"{"type": "payment_holiday", "on": "2024-04-01", "to": "2024-04-02"}"#,
            r#"{"type": "payment_holiday", "on": "2024-02-01", "to": "2024-04-02"}"#,
            r#"{"type": "skip_instalment", "on": "2024-02-29"}"#,
            r#"{"type": "pause_interest", "on": "2024-04-02", "to": "2024-04-01"}"#,
            r#"{"type": "pause_delinquency", "on": "2024-04-02", "to": "2024-04-01"}"#,
            r#"{"type": "change_rate", "on": "2024-04-02", "annual_rate": "-0.01"}"#,
        ] {
            let asked = operation(serde_json::from_str(refused).unwrap());
            assert!(loan.clone().apply(&asked).is_err(), "{terms} {refused}");
        }
    }
}

/// Changes of what is agreed, and payments, each with the day it counts from: most changes count
/// from a due date.
fn happening() -> impl Strategy<Value = (Option<NaiveDate>, Action)> {
    let due = || (1u32..9).prop_map(|months| start() + chrono::Months::new(months));
    let later = || (0u32..200).prop_map(day);
    let at = |on: NaiveDate, days: u32| on + chrono::Days::new(u64::from(days));
    prop_oneof![
        8 => money().prop_map(|paid| (None, paid)),
        1 => (0u32..9).prop_map(|of| (None, Action::Reverse { of: of.to_string(), only: None })),
        2 => (0u32..30).prop_map(|percent| (None, Action::ChangeRate {
            annual_rate: Decimal::new(percent.into(), 2),
        })),
        2 => later().prop_map(|to| (None, Action::PauseInterest { to })),
        2 => (due(), 0u32..60).prop_map(move |(on, days)| {
            (Some(on), Action::ChangeDueDate { to: at(on, days) })
        }),
        2 => (due(), 0u32..60).prop_map(move |(on, days)| {
            (Some(on), Action::PaymentHoliday { to: at(on, days) })
        }),
        2 => due().prop_map(|on| (Some(on), Action::SkipInstalment)),
        3 => (due(), 0u32..3, 0u32..3, 0u32..3).prop_map(|(on, extra, principal, interest)| {
            let (extra_instalments, principal_grace, interest_grace) = (extra, principal, interest);
            (Some(on), Action::Reschedule { extra_instalments, principal_grace, interest_grace })
        }),
        1 => (later(), 1u32..5).prop_map(|(from, instalments)| {
            (None, Action::ReAge { from, instalments, frequency: Frequency::MONTHLY })
        }),
        1 => Just((None, Action::ReAmortise)),
    ]
}

proptest! {
    #![proptest_config(tried(500))]

    #[test]
    fn nothing_is_lost_whatever_is_agreed_anew(
        terms in terms(),
        happened in proptest::collection::vec((0u32..200, happening()), 0..9),
    ) {
        let lend = Action::Disburse { amount: terms.schedule.principal };
        let mut operations = vec![operation_on(start(), lend)];
        for (offset, (on, action)) in happened {
            let mut one = operation_on(on.unwrap_or(day(offset)), action);
            one.recorded_on = on.map(|_| day(offset));
            one.id = Some(operations.len().to_string());
            operations.push(one);
        }
        let life = Life { terms, operations };
        let (loan, _) = lived(&life.terms, &life.operations);
        if loan.status() == LoanStatus::Approved {
            return Ok(());
        }
        let mut again = loan.clone();
        again.refold(u32::MAX).unwrap();
        prop_assert_eq!(projection(&again), projection(&loan), "{:?}", life);
        let stored = serde_json::to_string(&loan).unwrap();
        prop_assert!(serde_json::from_str::<Loan>(&stored).unwrap() == loan, "{:?}", life);
        for line in loan.lines() {
            for component in Component::ALL {
                let owed = line.outstanding_of(component).unwrap();
                prop_assert!(owed >= Decimal::ZERO, "{:?} {:?}", line, life);
            }
        }
        let asked = loan
            .lines()
            .iter()
            .map(|line| line.charged.principal - line.credited.principal)
            .sum::<Decimal>();
        let lends = |kind| kind == TransactionKind::Disbursement;
        let standing = loan.transactions().iter().filter(|one| one.stands() && lends(one.kind));
        let lent = standing.map(|one| one.amount).sum::<Decimal>();
        prop_assert_eq!(asked, lent, "{:?} {:?}", loan.lines(), life);
        let dates: Vec<NaiveDate> = loan.lines().iter().map(|line: &Line| line.due_date).collect();
        prop_assert!(dates.is_sorted(), "{:?}", dates);
    }
}

/// The interest of a period shrinks by a cent once a payment ahead of the next instalment lowers the
/// balance. What was paid with the instalment that asks for it is then a cent more than that asks
/// for, and the last instalment asks for a cent less.
#[test]
fn what_was_paid_beyond_an_instalment_is_not_asked_for_again() {
    let terms = LoanTerms::from_json(json!({
        "principal": "8479.37", "annual_rate": "0.26", "instalments": 8,
        "disbursed_on": "2024-01-01", "down_payment": {"fraction": "0.25"},
        "collect_down_payment": true,
        "recalculation": {"interest": "daily", "payoff": "to_due_date"}
    }))
    .unwrap();
    let operations: Vec<Operation> = serde_json::from_value(json!([
        {"type": "disburse", "on": "2024-01-01", "amount": "8479.37"},
        {"type": "repay", "on": "2024-01-01", "amount": "1601.82"},
        {"type": "repay", "on": "2024-01-01", "amount": "1491.02"},
        {"type": "repay", "on": "2024-01-01", "amount": "1279.11"},
        {"type": "reschedule", "on": "2024-04-01", "recorded_on": "2024-01-01",
         "extra_instalments": 1, "interest_grace": 2},
        {"type": "repay", "on": "2024-04-02", "amount": "172.69"}
    ]))
    .unwrap();
    let loan = Loan::fold(terms, &operations).unwrap();
    let asked: Decimal = principal(&loan).into_iter().sum();
    assert_eq!(asked.to_string(), "8479.37", "{:?}", loan.lines());
}

/// A payment that goes to the last instalments first ends one of them with less than it asked for.
/// What that leaves is asked for with the last one and bears interest until then, in the loan at
/// hand as in the one that is stored.
#[test]
fn what_an_instalment_gives_up_bears_interest_until_it_is_asked_for() {
    let terms = LoanTerms::from_json(json!({
        "principal": "4994.43", "annual_rate": "0.26", "instalments": 6,
        "disbursed_on": "2024-01-01", "allocation": {"default": {"future": "last"}},
        "recalculation": {"interest": "daily"}
    }))
    .unwrap();
    let operations: Vec<Operation> = serde_json::from_value(json!([
        {"type": "disburse", "on": "2024-01-01", "amount": "4994.43"},
        {"type": "change_due_date", "on": "2024-04-01", "recorded_on": "2024-01-01",
         "to": "2024-04-14"},
        {"type": "reschedule", "on": "2024-04-01", "recorded_on": "2024-01-01",
         "principal_grace": 1},
        {"type": "repay", "on": "2024-04-01", "amount": "1644.20"},
        {"type": "repay", "on": "2024-02-01", "amount": "2366.72"}
    ]))
    .unwrap();
    let loan = Loan::fold(terms, &operations).unwrap();
    let stored = serde_json::to_string(&loan).unwrap();
    assert!(serde_json::from_str::<Loan>(&stored).unwrap() == loan);
}

#[test]
fn what_was_charged_back_is_asked_for_once() {
    for terms in kinds() {
        let mut loan = loan(&terms);
        for one in [
            json!({"type": "repay", "on": "2024-03-05", "amount": "50", "id": "paid"}),
            json!({"type": "chargeback", "on": "2024-03-10", "amount": "50", "of": "paid"}),
            json!({"type": "change_rate", "on": "2024-03-12", "annual_rate": "0.12"}),
        ] {
            loan = loan.apply(&serde_json::from_value(one).unwrap()).unwrap();
        }
        let credited: Decimal = loan.lines().iter().map(|line| line.credited.principal).sum();
        assert_eq!(credited, Decimal::from(50), "{terms}");
        let second = &loan.lines()[1];
        assert!(second.charged.principal < Decimal::from(260), "{terms} {:?}", loan.lines());
    }
}

/// A loan of 100 over six months at 7 %, a twelfth of it a month: 17.01 a month, of which interest is
/// 0.58, 0.49, 0.39, 0.29, 0.20 and 0.10.
fn hundred(recalculation: &str) -> Loan {
    let terms = LoanTerms::from_json(json!({
        "principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
        "recalculation": {"interest": recalculation}, "accrual": {"periodic": false}
    }))
    .unwrap();
    with(Loan::open(terms).unwrap(), json!({"type": "disburse", "on": "2024-01-01", "amount": 100}))
}

fn with(loan: Loan, operation: Value) -> Loan {
    loan.apply(&serde_json::from_value(operation).unwrap()).unwrap()
}

fn charged(loan: &Loan) -> Vec<(String, String)> {
    let shown = |line: &Line| {
        let shown = |amount: Decimal| amount.normalize().to_string();
        (shown(line.charged.principal), shown(line.charged.interest))
    };
    loan.lines().iter().map(shown).collect()
}

fn amounts(wanted: [(&str, &str); 6]) -> Vec<(String, String)> {
    wanted.map(|(principal, interest)| (principal.to_owned(), interest.to_owned())).to_vec()
}

/// Three instalments of 242.86 and 11.74 are overdue, two of those to come put their interest off. The
/// last one, which is paid first, asks on the day for its own 254.60 and for one day's interest on
/// 1486.24, 0.39; once the two before it are paid it asks for the 3.78 of principal that are left.
#[test]
fn money_goes_on_where_the_last_instalment_takes_no_more() {
    for walk in ["horizontal", "vertical"] {
        let terms = json!({
            "principal": "1486.24", "annual_rate": "0.0948", "instalments": 6,
            "disbursed_on": "2024-01-01",
            "recalculation": {"interest": "daily", "payoff": "to_payoff_date"},
            "allocation": {"default": {"future": "last"}, "walk": walk}
        });
        let mut loan = Loan::open(LoanTerms::from_json(terms).unwrap()).unwrap();
        for one in [
            json!({"type": "disburse", "on": "2024-01-01", "amount": "1486.24"}),
            json!({"type": "reschedule", "on": "2024-04-02", "interest_grace": 2}),
        ] {
            loan = with(loan, one);
        }
        let quote = loan.payoff_quote("2024-04-02".parse().unwrap()).unwrap();
        assert_eq!(quote.amounts.principal.to_string(), "1486.24");
        // 3 × 11.74 and 0.39.
        assert_eq!(quote.amounts.interest.to_string(), "35.61");
        loan = with(loan, json!({"type": "pay_off", "on": "2024-04-02"}));
        assert_eq!(loan.status(), LoanStatus::Closed);
        let last = loan.transactions().iter().rfind(|one| one.kind == TransactionKind::Repayment);
        let to_come = last.unwrap().allocations.iter().filter(|part| part.line > 3);
        let paid: Vec<(u32, String)> =
            to_come.map(|part| (part.line, part.amounts.principal.to_string())).collect();
        assert_eq!(
            paid,
            [(6, "258.38"), (5, "250.62"), (4, "248.66")]
                .map(|(line, paid)| (line, paid.to_owned()))
        );
    }
}

/// The second and third instalment put 0.49 and 0.39 off; the fourth asks for them with its own
/// 0.29. Principal stays where it is, so that no more interest is borne.
#[test]
fn interest_that_is_put_off_is_asked_for_with_the_first_instalment_after() {
    for recalculation in ["none", "daily", "at_due_dates"] {
        let mut loan = hundred(recalculation);
        for one in [
            json!({"type": "repay", "on": "2024-02-01", "amount": "17.01"}),
            json!({"type": "reschedule", "on": "2024-03-01", "interest_grace": 2,
                   "recorded_on": "2024-02-01"}),
        ] {
            loan = with(loan, one);
        }
        let agreed = [
            ("16.43", "0.58"),
            ("16.52", "0"),
            ("16.62", "0"),
            ("16.72", "1.17"),
            ("16.81", "0.2"),
            ("16.9", "0.1"),
        ];
        assert_eq!(charged(&loan), amounts(agreed), "{recalculation}");
        loan = with(loan, json!({"type": "repay", "on": "2024-03-01", "amount": "16.52"}));
        loan = with(loan, json!({"type": "repay", "on": "2024-04-01", "amount": "16.62"}));
        assert_eq!(charged(&loan), amounts(agreed), "{recalculation}");
        assert!(loan.lines()[..3].iter().all(|line| line.settled_on == Some(line.due_date)));
        // Half of April bears half of its 0.29.
        let quote = loan.payoff_quote("2024-04-16".parse().unwrap()).unwrap();
        let interest = if recalculation == "daily" { "1.03" } else { "1.17" };
        if recalculation != "none" {
            assert_eq!(quote.amounts.principal.to_string(), "50.43");
            assert_eq!(quote.amounts.interest.to_string(), interest, "{recalculation}");
        }
        let earned = |day: &str| loan.accrued_interest(day.parse().unwrap()).unwrap().earned;
        assert_eq!(earned("2024-04-01").to_string(), "1.46", "{recalculation}");
        assert_eq!(earned("2024-05-01").to_string(), "1.75", "{recalculation}");
        // Of the fourth instalment the interest put off is paid first, then its principal.
        loan = with(loan, json!({"type": "repay", "on": "2024-05-01", "amount": "10"}));
        let paid = loan.transactions().last().unwrap();
        assert_eq!(paid.portions.interest.to_string(), "1.17");
        assert_eq!(paid.portions.principal.to_string(), "8.83");
    }
}

/// Four times 17.01 pay the last four instalments on the first day, and 31.96 are left: 16.82 with 0.19
/// of interest, and 15.14. The 0.09 that those bear in February are put off: the third instalment asks
/// for them beside the principal that is paid of it. Where nothing more is paid all 31.96 bear 0.19.
#[test]
fn an_instalment_that_is_paid_asks_for_interest_put_off_until_it() {
    let terms = LoanTerms::from_json(json!({
        "principal": 100, "annual_rate": "0.07", "instalments": 6, "disbursed_on": "2024-01-01",
        "recalculation": {"interest": "daily"}, "allocation": {"default": {"future": "last"}}
    }))
    .unwrap();
    let mut loan = Loan::open(terms).unwrap();
    for one in [
        json!({"type": "disburse", "on": "2024-01-01", "amount": 100}),
        json!({"type": "reschedule", "on": "2024-03-01", "recorded_on": "2024-01-01",
               "interest_grace": 1}),
        json!({"type": "repay", "on": "2024-01-01", "amount": "68.04"}),
    ] {
        loan = with(loan, one);
    }
    let agreed = [
        ("16.82", "0.19"),
        ("15.14", "0"),
        ("17.01", "0.09"),
        ("17.01", "0"),
        ("17.01", "0"),
        ("17.01", "0"),
    ];
    assert_eq!(charged(&loan), amounts(agreed));
    let look = json!({"type": "end_of_day", "on": "2024-03-10"});
    let third = with(loan, look).lines()[2].outstanding().unwrap();
    assert_eq!((third.principal, third.interest), (Decimal::ZERO, Decimal::new(19, 2)));
}

/// Without principal and without interest nothing is due at all. The balance stays 83.57 and bears
/// 0.49 in each of two months; the three instalments left repay it with 28.18 a month: 83.57 at 7 %
/// over three months is 28.1829. The first of them asks for 0.98 more.
#[test]
fn grace_on_both_asks_for_nothing() {
    let mut loan = hundred("daily");
    for one in [
        json!({"type": "repay", "on": "2024-02-01", "amount": "17.01"}),
        json!({"type": "reschedule", "on": "2024-03-01", "interest_grace": 2,
               "principal_grace": 2, "recorded_on": "2024-02-01"}),
    ] {
        loan = with(loan, one);
    }
    let agreed = [
        ("16.43", "0.58"),
        ("0", "0"),
        ("0", "0"),
        ("27.69", "1.47"),
        ("27.85", "0.33"),
        ("28.03", "0.16"),
    ];
    assert_eq!(charged(&loan), amounts(agreed));
}

/// The 16.52 of the second instalment are paid in halves before they are due. What that saves of
/// interest changes neither the second nor the third instalment.
#[test]
fn an_instalment_that_puts_interest_off_is_of_principal_whenever_it_is_paid() {
    let mut loan = hundred("daily");
    for one in [
        json!({"type": "repay", "on": "2024-02-01", "amount": "17.01"}),
        json!({"type": "reschedule", "on": "2024-02-02", "interest_grace": 2,
               "recorded_on": "2024-02-01"}),
        json!({"type": "repay", "on": "2024-02-16", "amount": "8.26"}),
        json!({"type": "repay", "on": "2024-02-20", "amount": "8.26"}),
    ] {
        loan = with(loan, one);
    }
    let second = &loan.lines()[1];
    assert_eq!(second.charged.principal.to_string(), "16.52");
    assert_eq!(second.settled_on, Some("2024-02-20".parse().unwrap()));
    assert_eq!(loan.lines()[2].charged.principal.to_string(), "16.62");
    // Of February 15 days on 83.57, 4 on 75.31 and 10 on 67.05: 0.2522 + 0.0606 + 0.1349 = 0.45.
    // With the 0.39 of March and the 0.29 of April 1.13 are asked for in May.
    assert_eq!(loan.lines()[3].charged.interest.to_string(), "1.13");
}
