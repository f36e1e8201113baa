//! Small lives worked out by hand, for what no published history covers: each with its lines, its
//! balances and what it posts.
//!
//! Most are of 1200 at 12 % over six months in equal parts of principal: 200 a month, and a hundredth
//! of what is owed as interest: 12, 10, 8, 6, 4 and 2.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::*;

/// The loan of the examples with other terms on top, after what happened to it.
fn lived(terms: Value, operations: Value) -> Loan {
    let mut all = json!({
        "principal": 1200, "annual_rate": "0.12", "instalments": 6, "disbursed_on": "2024-01-01",
        "method": "equal_principal", "rounding": {"family": "cumulative"}
    });
    all.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let lend = json!({"type": "disburse", "on": "2024-01-01", "amount": 1200});
    let mut list: Vec<Operation> = vec![serde_json::from_value(lend).unwrap()];
    list.extend(serde_json::from_value::<Vec<Operation>>(operations).unwrap());
    Loan::fold(LoanTerms::from_json(all).unwrap(), &list).unwrap()
}

fn written(amounts: &Amounts) -> String {
    let parts = Component::ALL.map(|component| amounts[component].normalize().to_string());
    parts.join(" ")
}

/// Each line: its due date, what it asks for and what is outstanding of that, in the order of
/// [`Component::ALL`].
fn lines(loan: &Loan) -> Vec<String> {
    let line = |line: &Line| {
        let owed = line.outstanding().unwrap();
        format!("{}: {}, owed {}", line.due_date, written(&line.charged), written(&owed))
    };
    loan.lines().iter().map(line).collect()
}

/// Status, what is outstanding by component, and what is held.
fn balances(loan: &Loan) -> String {
    let owed = written(&loan.outstanding().unwrap());
    format!("{}: {owed}, held {}", loan.status().name(), loan.overpaid().normalize())
}

/// What the transactions of a kind posted, debits above zero and credits below.
fn posted(loan: &Loan, kind: TransactionKind) -> Vec<String> {
    let of_kind = |one: &&Movement| {
        loan.transactions().iter().any(|made| made.id == one.transaction && made.kind == kind)
    };
    let movement = |one: &Movement| {
        let account = serde_json::to_value(one.account).unwrap();
        let amount: Decimal = one.debit - one.credit;
        format!("{} {}", account.as_str().unwrap(), amount.normalize())
    };
    loan.journal().iter().filter(of_kind).map(movement).collect()
}

/// 1000 of principal and the interest of five months, 30, are given up. What is recovered is income
/// of its own: it pays nothing that is owed.
#[test]
fn what_is_recovered_after_a_write_off() {
    let loan = lived(
        json!({}),
        json!([
            {"type": "repay", "on": "2024-02-01", "amount": 212},
            {"type": "write_off", "on": "2024-02-15"},
            {"type": "repay", "on": "2024-03-10", "amount": 100, "kind": "recovery"},
        ]),
    );
    assert_eq!(
        lines(&loan)[..2],
        ["2024-02-01: 200 12 0 0, owed 0 0 0 0", "2024-03-01: 200 10 0 0, owed 0 0 0 0"]
    );
    let given_up = loan.lines()[1..].iter().map(|line| written(&line.written_off));
    assert!(given_up.eq(["200 10 0 0", "200 8 0 0", "200 6 0 0", "200 4 0 0", "200 2 0 0"]));
    assert_eq!(balances(&loan), "written_off: 0 0 0 0, held 0");
    assert_eq!(
        posted(&loan, TransactionKind::WriteOff),
        ["write_off 1030", "principal -1000", "interest_receivable -30"]
    );
    assert_eq!(posted(&loan, TransactionKind::Recovery), ["fund_source 100", "recoveries -100"]);
}

/// Everything falls due on 16 February: 1000, and of the 10 of that month 15 of 29 days, 5.17.
#[test]
fn what_falls_due_when_a_contract_is_terminated() {
    let ended = json!([
        {"type": "repay", "on": "2024-02-01", "amount": 212},
        {"type": "terminate", "on": "2024-02-16"},
    ]);
    let loan = lived(json!({}), ended);
    assert_eq!(
        lines(&loan),
        ["2024-02-01: 200 12 0 0, owed 0 0 0 0", "2024-02-16: 1000 5.17 0 0, owed 1000 5.17 0 0"]
    );
    assert_eq!(balances(&loan), "active: 1000 5.17 0 0, held 0");
    assert!(posted(&loan, TransactionKind::Termination).is_empty());
    let paid = json!({"type": "repay", "on": "2024-02-20", "amount": "1005.17"});
    let loan = loan.apply(&serde_json::from_value(paid).unwrap()).unwrap();
    assert_eq!(balances(&loan), "closed: 0 0 0 0, held 0");
    assert_eq!(
        posted(&loan, TransactionKind::Repayment)[3..],
        ["fund_source 1005.17", "principal -1000", "interest_receivable -5.17"]
    );
    // 12 and 5.17, as the loan ends.
    assert_eq!(
        posted(&loan, TransactionKind::Accrual),
        ["interest_receivable 17.17", "interest_income -17.17"]
    );
}

/// 15 are forgiven on 1 February: the 12 due then and 3 of the 10 of February. The payment of that
/// day finds no interest owed. By 2 March 12 and 10 were earned and 26 cents of the 8 of March, so
/// that 7.26 are receivable: 7 owed and those cents.
#[test]
fn interest_that_is_forgiven_is_earned_and_given_up() {
    let loan = lived(
        json!({}),
        json!([
            {"type": "end_of_day", "on": "2024-02-01"},
            {"type": "waive_interest", "on": "2024-02-01", "amount": 15},
            {"type": "repay", "on": "2024-02-01", "amount": 200},
            {"type": "end_of_day", "on": "2024-03-02"},
        ]),
    );
    assert_eq!(
        lines(&loan)[..3],
        [
            "2024-02-01: 200 12 0 0, owed 0 0 0 0",
            "2024-03-01: 200 10 0 0, owed 200 7 0 0",
            "2024-04-01: 200 8 0 0, owed 200 8 0 0",
        ]
    );
    assert_eq!(balances(&loan), "active: 1000 27 0 0, held 0");
    assert_eq!(
        posted(&loan, TransactionKind::InterestWaiver),
        ["write_off 15", "interest_receivable -15"]
    );
    assert_eq!(posted(&loan, TransactionKind::Repayment), ["fund_source 200", "principal -200"]);
    let receivable = loan.journal().iter().filter(|one| one.account == Account::InterestReceivable);
    let receivable: Decimal = receivable.map(|one| one.debit - one.credit).sum();
    assert_eq!(receivable.to_string(), "7.26");
}

/// 36.5 % a year on the 200 past due since 1 February are 20 cents a day. None is charged on the
/// fifth day, 1.20 on the sixth, for all six, 60 cents for three more; of the ten after only 1.20, up
/// to the cap of 3. They are due with the line of the day they were charged on.
#[test]
fn penalties_by_the_day_wait_for_their_grace_and_stop_at_their_cap() {
    let penalty = json!({"name": "late", "value": "0.365", "basis": "amount", "daily": true,
                         "grace_days": 5, "cap": 3});
    let days = ["2024-02-06", "2024-02-07", "2024-02-10", "2024-02-20", "2024-02-21"];
    let until = |count: usize| {
        let ends: Vec<Value> =
            days[..count].iter().map(|on| json!({"type": "end_of_day", "on": on})).collect();
        lived(json!({"penalties": [penalty]}), Value::Array(ends))
    };
    for (count, penalty) in [(1, "0"), (2, "1.2"), (3, "1.8"), (4, "3"), (5, "3")] {
        let loan = until(count);
        assert_eq!(balances(&loan), format!("active: 1200 42 0 {penalty}, held 0"));
        assert_eq!(loan.lines()[1].charged.penalty.normalize().to_string(), penalty);
    }
    let loan = until(5);
    let of = |account: Account| -> Decimal {
        let posted = loan.journal().iter().filter(|one| one.account == account);
        posted.map(|one| one.debit - one.credit).sum()
    };
    assert_eq!(of(Account::PenaltyReceivable), Decimal::from(3));
    assert_eq!(of(Account::PenaltyIncome), Decimal::from(-3));
}

/// Nothing is due on 1 March. The 10 of February and the 10 of March are due on 1 April, and the
/// loan ends a month later.
#[test]
fn a_skipped_instalment_is_added_at_the_end() {
    let loan = lived(
        json!({}),
        json!([
            {"type": "repay", "on": "2024-02-01", "amount": 212},
            {"type": "skip_instalment", "on": "2024-03-01"},
            {"type": "repay", "on": "2024-04-01", "amount": 220},
        ]),
    );
    assert_eq!(
        lines(&loan),
        [
            "2024-02-01: 200 12 0 0, owed 0 0 0 0",
            "2024-04-01: 200 20 0 0, owed 0 0 0 0",
            "2024-05-01: 200 8 0 0, owed 200 8 0 0",
            "2024-06-01: 200 6 0 0, owed 200 6 0 0",
            "2024-07-01: 200 4 0 0, owed 200 4 0 0",
            "2024-08-01: 200 2 0 0, owed 200 2 0 0",
        ]
    );
    assert_eq!(balances(&loan), "active: 800 20 0 0, held 0");
    assert_eq!(
        posted(&loan, TransactionKind::Repayment)[3..],
        ["fund_source 220", "principal -200", "interest_receivable -20"]
    );
}

/// March and April are free: the instalment of March is due on 1 May, with three months of 10.
#[test]
fn nothing_is_due_in_a_payment_holiday() {
    let loan = lived(
        json!({}),
        json!([
            {"type": "repay", "on": "2024-02-01", "amount": 212},
            {"type": "payment_holiday", "on": "2024-02-15", "to": "2024-04-15"},
            {"type": "repay", "on": "2024-05-01", "amount": 230},
        ]),
    );
    assert_eq!(
        lines(&loan),
        [
            "2024-02-01: 200 12 0 0, owed 0 0 0 0",
            "2024-05-01: 200 30 0 0, owed 0 0 0 0",
            "2024-06-01: 200 8 0 0, owed 200 8 0 0",
            "2024-07-01: 200 6 0 0, owed 200 6 0 0",
            "2024-08-01: 200 4 0 0, owed 200 4 0 0",
            "2024-09-01: 200 2 0 0, owed 200 2 0 0",
        ]
    );
    assert_eq!(balances(&loan), "active: 800 20 0 0, held 0");
    assert_eq!(
        posted(&loan, TransactionKind::Repayment)[3..],
        ["fund_source 230", "principal -200", "interest_receivable -30"]
    );
}

/// The former owner hands over 1000 and the 4.83 that 14 of 29 days of February earned; what was
/// received stays with it. What the loan asks for is the same.
#[test]
fn another_owner_takes_what_is_owed_and_earned() {
    let loan = lived(
        json!({}),
        json!([
            {"type": "repay", "on": "2024-02-01", "amount": 212},
            {"type": "end_of_day", "on": "2024-02-15"},
            {"type": "transfer_owner", "on": "2024-02-16", "owner": "a fund"},
            {"type": "repay", "on": "2024-03-01", "amount": 210},
        ]),
    );
    assert_eq!(
        lines(&loan)[..3],
        [
            "2024-02-01: 200 12 0 0, owed 0 0 0 0",
            "2024-03-01: 200 10 0 0, owed 0 0 0 0",
            "2024-04-01: 200 8 0 0, owed 200 8 0 0",
        ]
    );
    assert_eq!(balances(&loan), "active: 800 20 0 0, held 0");
    let mut handed = posted(&loan, TransactionKind::OwnerTransfer);
    handed.sort_unstable();
    assert_eq!(
        handed,
        [
            "interest_receivable -4.83",
            "interest_receivable 4.83",
            "principal -1000",
            "principal 1000",
            "suspense -1004.83",
            "suspense 1004.83",
        ]
    );
}

/// Nothing was paid of 1200 at 7 %, 7 a month. On 10 March two instalments of principal are past due,
/// and 14 of interest. With three more instalments and what is past due spread over all seven to come,
/// these ask for all of it in equal amounts: the first for the 14, the 7 of March and 156.49.
#[test]
fn what_is_past_due_is_spread_over_added_instalments() {
    let terms = json!({
        "annual_rate": "0.07", "method": "annuity", "rounding": {"family": "progressive"},
        "recalculation": {"interest": "daily"}
    });
    let spread = json!({"type": "re_amortise", "on": "2024-03-10"});
    let more = json!({"type": "reschedule", "on": "2024-03-10", "extra_instalments": 3});
    for operations in [json!([spread, more]), json!([more, spread])] {
        let loan = lived(terms.clone(), operations);
        assert_eq!(
            lines(&loan)[..4],
            [
                "2024-02-01: 0 0 0 0, owed 0 0 0 0",
                "2024-03-01: 0 0 0 0, owed 0 0 0 0",
                "2024-04-01: 156.49 21 0 0, owed 156.49 21 0 0",
                "2024-05-01: 171.4 6.09 0 0, owed 171.4 6.09 0 0",
            ]
        );
        assert_eq!(loan.lines().len(), 9);
        let due = loan.lines()[2..].iter().map(|line| line.charged.total().unwrap());
        let (least, most) = (due.clone().min().unwrap(), due.max().unwrap());
        assert!(most - least < Decimal::new(10, 2), "{least} {most}");
        assert_eq!(balances(&loan), "active: 1200 42.41 0 0, held 0");
        assert!(posted(&loan, TransactionKind::ReAmortise).is_empty());
    }
}

/// A progressive loan without interest, 600 in three instalments of 200, and what happened on one day.
fn on_one_day(happened: Value) -> Vec<String> {
    let terms = json!({
        "principal": 600, "annual_rate": "0", "instalments": 3, "method": "annuity",
        "rounding": {"family": "progressive"}, "lend_beyond": 600
    });
    let mut all = json!({"disbursed_on": "2024-01-01"});
    all.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
    let mut list: Vec<Operation> = serde_json::from_value(json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 600}
    ]))
    .unwrap();
    list.extend(serde_json::from_value::<Vec<Operation>>(happened).unwrap());
    lines(&Loan::fold(LoanTerms::from_json(all).unwrap(), &list).unwrap())
}

/// 600 pay the three instalments of 200. Where 300 more are lent before, each of the three is 300,
/// and the 600 pay two of them.
#[test]
fn what_is_recorded_first_of_a_day_takes_effect_first() {
    let lend = json!({"type": "disburse", "on": "2024-01-15", "amount": 300});
    let pay = json!({"type": "repay", "on": "2024-01-15", "amount": 600});
    assert_eq!(
        on_one_day(json!([lend, pay])),
        [
            "2024-02-01: 300 0 0 0, owed 0 0 0 0",
            "2024-03-01: 300 0 0 0, owed 0 0 0 0",
            "2024-04-01: 300 0 0 0, owed 300 0 0 0",
        ]
    );
    let after = [
        "2024-02-01: 300 0 0 0, owed 100 0 0 0",
        "2024-03-01: 300 0 0 0, owed 100 0 0 0",
        "2024-04-01: 300 0 0 0, owed 100 0 0 0",
    ];
    assert_eq!(on_one_day(json!([pay, lend])), after);
    // The day of recording comes before the order of recording.
    let on = |mut one: Value, day: &str| {
        one["recorded_on"] = json!(day);
        one
    };
    let (late, early) = (on(lend, "2024-01-17"), on(pay, "2024-01-16"));
    assert_eq!(on_one_day(json!([late, early])), after);
}

/// A fee of 50, due with the first instalment, takes effect as it is recorded: a payment recorded
/// before it pays 200 of principal and 50 ahead of the second, one after it pays the fee.
#[test]
fn a_charge_of_a_day_has_its_place_in_it() {
    let charge = json!({"type": "charge", "on": "2024-01-15", "name": "visit", "value": 50,
                        "timing": "on_date", "due_on": "2024-01-20"});
    let pay = json!({"type": "repay", "on": "2024-01-15", "amount": 250});
    assert_eq!(
        on_one_day(json!([pay, charge]))[..2],
        ["2024-02-01: 200 0 50 0, owed 0 0 50 0", "2024-03-01: 200 0 0 0, owed 150 0 0 0"]
    );
    assert_eq!(
        on_one_day(json!([charge, pay]))[..2],
        ["2024-02-01: 200 0 50 0, owed 0 0 0 0", "2024-03-01: 200 0 0 0, owed 200 0 0 0"]
    );
}

/// What is agreed anew counts from the morning of its day, whatever was recorded before it.
#[test]
fn what_is_agreed_anew_comes_before_everything_of_its_day() {
    let more = json!({"type": "reschedule", "on": "2024-01-15", "extra_instalments": 1});
    let pay = json!({"type": "repay", "on": "2024-01-15", "amount": 150});
    let [before, after] = [json!([more, pay]), json!([pay, more])].map(on_one_day);
    assert_eq!(before, after);
    assert_eq!(before[0], "2024-02-01: 150 0 0 0, owed 0 0 0 0");
}

/// 1000 at 26 % in four instalments of 263.69, the first of which is paid on 15 January: 9.78 of it is
/// interest. By the charge-off on the 20th five days on 746.09 have earned 2.61 more. The instalment
/// asks for 12.39 of interest and 251.30 of principal then and stays paid, so that 748.70 of principal
/// are left, which end the loan, in whatever order components are paid.
#[test]
fn a_charge_off_leaves_a_paid_instalment_paid() {
    for walk in ["horizontal", "vertical"] {
        let terms = LoanTerms::from_json(json!({
            "principal": 1000, "annual_rate": "0.26", "instalments": 4, "disbursed_on": "2024-01-01",
            "interest": {"days_in_month": "30", "days_in_year": "360"},
            "recalculation": {"interest": "daily"}, "charge_off": "zero_interest",
            "allocation": {"walk": walk}
        }))
        .unwrap();
        let operations: Vec<Operation> = serde_json::from_value(json!([
            {"type": "disburse", "on": "2024-01-01", "amount": 1000},
            {"type": "repay", "on": "2024-01-15", "amount": "263.69"},
            {"type": "charge_off", "on": "2024-01-20"}
        ]))
        .unwrap();
        let loan = Loan::fold(terms, &operations).unwrap();
        assert_eq!(written(&loan.lines()[0].charged), "251.3 12.39 0 0");
        let quote = loan.payoff_quote("2024-01-21".parse().unwrap()).unwrap();
        assert_eq!(quote.total, Decimal::new(74_870, 2));
        let pay = |amount: Decimal| {
            let one = json!({"type": "repay", "on": "2024-01-21", "amount": amount});
            loan.clone().apply(&serde_json::from_value(one).unwrap()).unwrap()
        };
        assert_eq!(pay(quote.total).status(), LoanStatus::Closed);
        assert_eq!(pay(quote.total - Decimal::new(1, 2)).status(), LoanStatus::Active, "{walk}");
    }
}

/// 100 at 5 % a month in eight instalments of 15.47. A day after the first was due, 105.16 pay it and
/// then all principal, from the last instalment on. Nothing bears interest any more: of 0.17 for one
/// day of 29 one cent is still owed.
#[test]
fn interest_is_owed_when_all_principal_is_paid() {
    let terms = LoanTerms::from_json(json!({
        "principal": 100, "annual_rate": "0.6", "instalments": 8, "disbursed_on": "2024-01-01",
        "interest": {"days_in_month": "30", "days_in_year": "360"},
        "recalculation": {"interest": "at_due_dates"},
        "allocation": {"default": {"future": "last"}}
    }))
    .unwrap();
    let operations: Vec<Operation> = serde_json::from_value(json!([
        {"type": "disburse", "on": "2024-01-01", "amount": 100},
        {"type": "repay", "on": "2024-02-02", "amount": "105.16"}
    ]))
    .unwrap();
    let lent = Loan::fold(terms.clone(), &operations[..1]).unwrap();
    let quote = lent.payoff_quote("2024-02-02".parse().unwrap()).unwrap();
    assert_eq!(written(&quote.amounts), "100 5.17 0 0");
    assert_eq!(balances(&Loan::fold(terms, &operations).unwrap()), "active: 0 0.01 0 0, held 0");
}

/// A loan that is paid off on 2 June, with interest up to the due date, bears no interest any more: a
/// higher rate from the 13th on asks for nothing, and neither do instalments that are added.
#[test]
fn nothing_that_is_agreed_later_adds_to_a_loan_that_is_paid() {
    for (recalculation, later) in [
        (
            json!({"interest": "daily", "payoff": "to_due_date"}),
            json!({"type": "change_rate", "on": "2024-06-13", "annual_rate": "0.5"}),
        ),
        (
            json!({"interest": "at_due_dates"}),
            json!({"type": "reschedule", "on": "2024-06-13", "extra_instalments": 2}),
        ),
    ] {
        let terms = LoanTerms::from_json(json!({
            "principal": 1200, "annual_rate": "0.12", "instalments": 6,
            "disbursed_on": "2024-01-01", "recalculation": recalculation
        }))
        .unwrap();
        let operations: Vec<Operation> = serde_json::from_value(json!([
            {"type": "disburse", "on": "2024-01-01", "amount": 1200},
            later
        ]))
        .unwrap();
        let loan = Loan::fold(terms, &operations).unwrap();
        let paid = json!({"type": "pay_off", "on": "2024-06-02"});
        let paid = loan.apply(&serde_json::from_value(paid).unwrap()).unwrap();
        assert_eq!(balances(&paid), "closed: 0 0 0 0, held 0");
    }
}

/// A fee of one with each instalment; that of the first is forgiven, and stays so when the instalment
/// is due later or everything falls due at once.
#[test]
fn what_is_forgiven_goes_with_its_instalment() {
    let mut operations = vec![
        json!({"type": "charge", "on": "2024-01-01", "id": "fee", "name": "fee", "value": 1,
               "timing": "per_instalment"}),
        json!({"type": "waive_charge", "on": "2024-01-02", "charge": "fee"}),
    ];
    for later in [
        json!({"type": "change_due_date", "on": "2024-02-01", "recorded_on": "2024-01-03",
               "to": "2024-02-10"}),
        json!({"type": "terminate", "on": "2024-01-20"}),
        json!({"type": "repay", "on": "2024-01-10", "amount": 5}),
    ] {
        operations.push(later);
        let loan = lived(
            json!({"rounding": {"family": "progressive"}, "method": "annuity"}),
            json!(operations),
        );
        let (charged, owed) = (&loan.charges()[0], loan.outstanding().unwrap());
        assert_eq!((charged.waived, charged.amount), (Decimal::ONE, Decimal::from(6)));
        let paid = loan.lines().iter().map(|line| line.paid.fee).sum::<Decimal>();
        assert_eq!(owed.fee + paid, Decimal::from(5), "{:?}", lines(&loan));
    }
}

/// Paying what is quoted closes, and the quote is what paying asks for. A fee of 480.28 is lowered by
/// 1 from a day before it was made: of 101 lent and 1 paid, 100 and 479.28 are left. A fee of 0.5 % of
/// interest is nothing where everything is paid on the day it is lent. Where principal that was
/// paid early bears interest to its due date, the last instalment asks for that. And what one
/// instalment leaves to another, paid before it, is not held while it is owed.
#[test]
fn paying_what_is_quoted_closes() {
    for (terms, operations, on, quoted) in [
        (
            json!({"principal": 100, "annual_rate": 0, "instalments": 2,
                   "disbursed_on": "2024-01-01", "lend_beyond": 1000}),
            json!([
                {"type": "disburse", "on": "2024-01-01", "amount": 100},
                {"type": "disburse", "on": "2024-01-01", "amount": 1},
                {"type": "repay", "on": "2024-01-01", "amount": 1},
                {"type": "charge", "on": "2024-01-23", "id": "fee", "name": "fee",
                 "value": "480.28", "timing": "on_date", "due_on": "2024-01-23"},
                {"type": "adjust_charge", "on": "2024-01-01", "charge": "fee", "amount": 1}
            ]),
            "2024-01-23",
            "100 0 479.28 0",
        ),
        (
            json!({"principal": 100, "annual_rate": "0.07", "instalments": 3,
                   "disbursed_on": "2024-01-01", "recalculation": {"interest": "daily"}}),
            json!([
                {"type": "disburse", "on": "2024-01-01", "amount": 100},
                {"type": "charge", "on": "2024-01-01", "name": "fee", "value": "0.005",
                 "basis": "interest", "timing": "on_date", "due_on": "2024-06-19"},
                {"type": "change_rate", "on": "2024-01-30", "annual_rate": 0}
            ]),
            "2024-01-01",
            "100 0 0 0",
        ),
        (
            json!({"principal": "4824.74", "annual_rate": "0.07", "instalments": 7,
                   "disbursed_on": "2024-01-01", "down_payment": {"fraction": "0.25"},
                   "recalculation": {"interest": "daily", "payoff": "to_due_date"}}),
            json!([
                {"type": "disburse", "on": "2024-01-01", "amount": "4824.74"},
                {"type": "repay", "on": "2024-01-02", "amount": "2775.11"},
                {"type": "repay", "on": "2024-03-02", "amount": "2077.35"}
            ]),
            "2024-03-04",
            "0 0.09 0 0",
        ),
        (
            json!({"principal": "1125.51", "annual_rate": "0.07", "instalments": 8,
                   "disbursed_on": "2024-01-01", "down_payment": {"fraction": "0.25"},
                   "allocation": {"default": {"future": "reamortise"}},
                   "recalculation": {"interest": "daily", "payoff": "to_due_date",
                                     "prepayment": "last_instalment"}}),
            json!([
                {"type": "disburse", "on": "2024-01-01", "amount": "1125.51"},
                {"type": "reschedule", "on": "2024-05-02", "extra_instalments": 1,
                 "interest_grace": 2}
            ]),
            "2024-06-25",
            "1125.51 28.94 0 0",
        ),
    ] {
        let terms = LoanTerms::from_json(terms).unwrap();
        let operations: Vec<Operation> = serde_json::from_value(operations).unwrap();
        let loan = Loan::fold(terms, &operations).unwrap();
        let quote = loan.payoff_quote(on.parse().unwrap()).unwrap();
        assert_eq!(written(&quote.amounts), quoted);
        let paid = json!({"type": "repay", "on": on, "amount": quote.total});
        let paid = loan.apply(&serde_json::from_value(paid).unwrap()).unwrap();
        assert_eq!(balances(&paid), "closed: 0 0 0 0, held 0");
    }
}
