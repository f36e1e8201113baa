//! What holds for fixed loans whose interest follows payments.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::servicing::{
    Action, Line, Loan, LoanStatus, LoanTerms, Operation, PaymentKind, PayoffInterest,
    PrepaymentEffect, Recalculation, RecalculationTerms,
};
use crate::domain::loan::terms::{Method, RoundingFamily};

fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 31).unwrap()
}

prop_compose! {
    fn terms()(
        principal in 1_000i64..50_000,
        rate in 1u32..60,
        instalments in 2u32..13,
        methods in 0usize..4,
        effects in 0usize..4,
        at_due_dates in any::<bool>(),
        grace in 0u32..2,
        whole in any::<bool>(),
    ) -> LoanTerms {
        let rate = Decimal::new(rate.into(), 2);
        let mut schedule = ScheduleTerms::new(principal.into(), rate, instalments, start());
        schedule.rounding.family = RoundingFamily::Cumulative;
        schedule.rounding.multiple = whole.then_some(Decimal::ONE);
        schedule.grace.principal = grace;
        schedule.method = [
            Method::Annuity, Method::EqualPrincipal, Method::InterestOnly, Method::Bullet,
        ][methods];
        let mut terms = LoanTerms::new(schedule);
        terms.servicing.recalculation.interest =
            if at_due_dates { Recalculation::AtDueDates } else { Recalculation::Daily };
        terms.servicing.recalculation.prepayment = [
            PrepaymentEffect::LastInstalment, PrepaymentEffect::Instalment,
            PrepaymentEffect::InstalmentCount, PrepaymentEffect::NextDue,
        ][effects];
        terms
    }
}

fn with(loan: Loan, on: NaiveDate, action: Action) -> Loan {
    loan.apply(&Operation { on, recorded_on: None, id: None, currency: None, action }).unwrap()
}

fn lent(terms: LoanTerms) -> Loan {
    let amount = terms.schedule.principal;
    with(Loan::open(terms).unwrap(), start(), Action::Disburse { amount })
}

fn repay(loan: Loan, on: NaiveDate, amount: Decimal) -> Loan {
    with(loan, on, Action::Repay { amount, kind: PaymentKind::Repayment })
}

/// The due dates and what is asked for, without lines that ask for nothing.
fn asked(loan: &Loan) -> Vec<(NaiveDate, Decimal, Decimal)> {
    let asks = |line: &&Line| !line.charged.is_zero();
    let shown = |line: &Line| (line.due_date, line.charged.principal, line.charged.interest);
    loan.lines().iter().filter(asks).map(shown).collect()
}

fn interest(loan: &Loan) -> Decimal {
    loan.lines().iter().map(|line| line.charged.interest).sum()
}

proptest! {
    #[test]
    fn who_pays_on_time_pays_as_agreed(terms in terms()) {
        let mut fixed = terms.clone();
        fixed.servicing.recalculation = RecalculationTerms::default();
        let agreed = lent(fixed);
        let mut loan = lent(terms);
        prop_assert_eq!(asked(&loan), asked(&agreed));
        for (due, principal, interest) in asked(&agreed) {
            loan = repay(loan, due, principal + interest);
        }
        prop_assert_eq!(asked(&loan), asked(&agreed));
        prop_assert_eq!(loan.status(), LoanStatus::Closed);
    }

    #[test]
    fn who_pays_early_pays_less_interest_and_who_pays_late_more(
        terms in terms(), days in 1u64..300, share in 1u32..90,
    ) {
        let agreed = lent(terms);
        let part = Decimal::new(share.into(), 2);
        let amount = (agreed.terms().schedule.principal * part).round_dp(2);
        let early = repay(agreed.clone(), start(), amount);
        prop_assert!(interest(&early) <= interest(&agreed), "{:?}", early.lines());
        let late = with(agreed.clone(), start() + Days::new(days), Action::EndOfDay);
        // What each stretch is rounded by may go either way.
        let rounding = Decimal::new(agreed.lines().len() as i64, 2);
        prop_assert!(interest(&late) >= interest(&agreed) - rounding, "{:?}", late.lines());
        for loan in [early, late] {
            let principal: Decimal =
                loan.lines().iter().map(|line| line.charged.principal).sum();
            prop_assert_eq!(principal, loan.terms().schedule.principal);
        }
    }
}

proptest! {
    /// What was charged back is owed beside what the schedule asks for, and once it is paid as it
    /// falls due nothing else differs.
    #[test]
    fn what_was_charged_back_is_owed_again(terms in terms(), days in 1u64..25) {
        let agreed = lent(terms);
        let lines = asked(&agreed);
        let (due, principal, interest) = lines[0];
        let paid = Operation {
            on: due, recorded_on: None, id: Some("paid".into()), currency: None,
            action: Action::Repay { amount: principal + interest, kind: PaymentKind::Repayment },
        };
        let mut loan = agreed.clone().apply(&paid).unwrap();
        let back = Decimal::from(100).min(principal + interest).min(Decimal::ONE);
        if back.is_zero() || lines.len() < 2 {
            return Ok(());
        }
        let of = Action::Chargeback { of: "paid".into(), amount: back };
        loan = with(loan, due + Days::new(days), of);
        prop_assert_eq!(loan.outstanding().unwrap().total().unwrap(),
            lines[1..].iter().map(|line| line.1 + line.2).sum::<Decimal>() + back);
        for (number, &(due, principal, interest)) in lines.iter().enumerate().skip(1) {
            let more = if number == 1 { back } else { Decimal::ZERO };
            loan = repay(loan, due, principal + interest + more);
        }
        prop_assert_eq!(loan.status(), LoanStatus::Closed, "{:?}", loan.lines());
    }

    /// Paused days bear nothing: the longer the pause, the less interest, and none if it is long.
    #[test]
    fn paused_days_bear_no_interest(terms in terms(), from in 0u64..60, days in 0u64..400) {
        let agreed = lent(terms);
        let end = agreed.lines().last().unwrap().due_date;
        let paused = |from: u64, days: u64| {
            let on = start() + Days::new(from);
            let to = (on + Days::new(days)).min(end);
            // Recorded before anything is late.
            let action = Action::PauseInterest { to };
            let recorded_on = Some(start());
            let pause = Operation { on, recorded_on, id: None, currency: None, action };
            agreed.clone().apply(&pause).unwrap()
        };
        let rounding = Decimal::new(agreed.lines().len() as i64, 2);
        let one = paused(from, days);
        prop_assert!(interest(&one) <= interest(&agreed) + rounding, "{:?}", one.lines());
        prop_assert!(interest(&paused(from, days + 30)) <= interest(&one) + rounding);
        prop_assert_eq!(interest(&paused(0, 10_000)), Decimal::ZERO);
        let principal: Decimal = one.lines().iter().map(|line| line.charged.principal).sum();
        prop_assert_eq!(principal, agreed.terms().schedule.principal);
    }
}

/// 1200 of interest alone at 12 %, 12 a month. On 11 March more than everything is paid; what comes in
/// later changes no interest that was borne before.
#[test]
fn money_beyond_everything_bears_nothing() {
    let mut schedule =
        ScheduleTerms::new(1_200.into(), Decimal::new(12, 2), 3, NaiveDate::default());
    schedule.disbursed_on = "2024-01-01".parse().unwrap();
    schedule.method = Method::InterestOnly;
    schedule.rounding.family = RoundingFamily::Cumulative;
    let mut terms = LoanTerms::new(schedule);
    terms.servicing.recalculation = RecalculationTerms {
        interest: Recalculation::Daily,
        payoff: PayoffInterest::ToDueDate,
        ..RecalculationTerms::default()
    };
    let pay =
        |cents: i64| Action::Repay { amount: Decimal::new(cents, 2), kind: PaymentKind::Repayment };
    let mut loan = Loan::open(terms).unwrap();
    let lend = Action::Disburse { amount: 1_200.into() };
    loan = with(loan, "2024-01-01".parse().unwrap(), lend);
    loan = with(loan, "2024-03-11".parse().unwrap(), pay(130_000));
    let charged = |loan: &Loan| loan.lines().iter().map(|line| line.charged).collect::<Vec<_>>();
    let before = charged(&loan);
    // Two months of 12, and of the third ten of its 31 days: 3.87.
    let interest: Decimal = before.iter().map(|one| one.interest).sum();
    assert_eq!(interest, Decimal::new(2_787, 2));
    loan = with(loan, "2024-03-12".parse().unwrap(), pay(5_000));
    assert_eq!(charged(&loan), before);
    assert_eq!(loan.overpaid(), Decimal::new(135_000 - 122_787, 2));
}
