//! What holds for every life of a loan.

use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::terms::*;
use super::*;
use crate::domain::calendar::Frequency;
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::terms::{DownPayment, FeeBasis, Method, RoundingFamily};

/// Lives tried for each property, unless `PROPTEST_CASES` says how many.
pub(super) const LIVES: u32 = 500;

/// How a property is tried on so many cases, or on as many as `PROPTEST_CASES` says.
pub(super) fn tried(cases: u32) -> ProptestConfig {
    let told = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let cases = told.unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

pub(super) fn start() -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap()
}

pub(super) fn day(offset: u32) -> NaiveDate {
    start() + Days::new(u64::from(offset))
}

fn pick<T: Clone + std::fmt::Debug + 'static>(from: &'static [T]) -> impl Strategy<Value = T> {
    (0..from.len()).prop_map(move |index| from[index].clone())
}

prop_compose! {
    pub(super) fn terms()(
        cents in 10_000i64..1_000_000,
        rate in pick(&["0", "0.07", "0.0948", "0.26", "0.6"]),
        instalments in 2u32..9,
        progressive in any::<bool>(),
        interest in pick(&[Recalculation::None, Recalculation::Daily, Recalculation::AtDueDates]),
        prepayment in pick(&[
            PrepaymentEffect::LastInstalment, PrepaymentEffect::Instalment,
            PrepaymentEffect::InstalmentCount, PrepaymentEffect::NextDue,
        ]),
        method in pick(&[
            Method::Annuity, Method::EqualPrincipal, Method::Flat, Method::InterestOnly, Method::Bullet,
        ]),
        on_own_date in any::<bool>(),
        payoff in pick(&[PayoffInterest::ToPayoffDate, PayoffInterest::ToDueDate]),
        future in pick(&[
            FutureRule::Next, FutureRule::Last, FutureRule::NextLast, FutureRule::Reamortise,
        ]),
        walk in pick(&[Walk::Horizontal, Walk::Vertical]),
        down in pick(&[None, None, Some(25i64)]),
        collect in any::<bool>(),
        (chargeback, overpayment) in (any::<bool>(), pick(&[
            OverpaymentPolicy::Hold, OverpaymentPolicy::Hold, OverpaymentPolicy::Refund,
            OverpaymentPolicy::Reject,
        ])),
        lateness in (pick(&[None, Some(false), Some(true)]), pick(&[
            ChargeOffBehaviour::Regular, ChargeOffBehaviour::ZeroInterest,
            ChargeOffBehaviour::Accelerate,
        ]), any::<bool>()),
    ) -> LoanTerms {
        let mut schedule =
            ScheduleTerms::new(Decimal::new(cents, 2), rate.parse().unwrap(), instalments, start());
        if !progressive {
            schedule.rounding.family = RoundingFamily::Cumulative;
            schedule.method = method;
        }
        schedule.down_payment = down.map(|percent| DownPayment {
            amount: None, fraction: Some(Decimal::new(percent, 2)),
        });
        let mut terms = LoanTerms::new(schedule);
        terms.servicing.recalculation.interest = interest;
        let given = matches!(terms.schedule.method, Method::Flat | Method::SimpleInterest);
        if !progressive && !given && interest != Recalculation::None {
            terms.servicing.recalculation.prepayment = prepayment;
        }
        terms.servicing.recalculation.payoff = payoff;
        terms.servicing.allocation.default.future = future;
        terms.servicing.allocation.walk = walk;
        terms.servicing.allocation.charges_on_own_date = on_own_date;
        terms.servicing.collect_down_payment = down.is_some() && collect;
        terms.servicing.lend_beyond = Decimal::from(1_000);
        terms.servicing.overpayment = overpayment;
        terms.servicing.capitalised_income.allowed = true;
        let (penalty, charge_off, gives_interest_back) = lateness;
        if gives_interest_back {
            terms.servicing.interest_refund = vec![TransactionKind::MerchantRefund];
        }
        terms.servicing.charge_off = charge_off;
        terms.servicing.penalties.extend(penalty.map(|daily| PenaltyTerms {
            name: "late".into(),
            value: Decimal::new(12, 2),
            basis: FeeBasis::AmountAndInterest,
            grace_days: 5,
            daily,
            cap: Some(Decimal::from(50)),
            compounding: daily,
        }));
        if chargeback {
            terms.servicing.allocation.chargeback =
                vec![Component::Penalty, Component::Fee, Component::Interest, Component::Principal];
        }
        terms
    }
}

pub(super) fn operation(on: NaiveDate, action: Action) -> Operation {
    Operation { on, recorded_on: None, id: None, currency: None, action }
}

fn payment(on: NaiveDate, cents: i64, kind: PaymentKind) -> Operation {
    operation(on, Action::Repay { amount: Decimal::new(cents, 2), kind })
}

/// What only adds money, whose order of recording is of no consequence.
pub(super) fn money() -> impl Strategy<Value = Action> {
    let kinds = [PaymentKind::Repayment, PaymentKind::MerchantRefund, PaymentKind::GoodwillCredit];
    (100i64..400_000, 0usize..3).prop_map(move |(cents, kind)| Action::Repay {
        amount: Decimal::new(cents, 2),
        kind: kinds[kind],
    })
}

/// Anything that may happen; `earlier` names something that happened before.
fn action() -> impl Strategy<Value = Action> {
    let amount = || (100i64..200_000).prop_map(|cents| Decimal::new(cents, 2));
    let earlier = || (0u32..12).prop_map(|number| number.to_string());
    let later = || (0u32..200).prop_map(day);
    prop_oneof![
        8 => money(),
        2 => amount().prop_map(|amount| Action::Disburse { amount }),
        2 => earlier().prop_map(|of| Action::Reverse { of, only: None }),
        1 => (0u32..3).prop_map(|all| Action::UndoDisbursement { all: all == 0 }),
        2 => (earlier(), amount()).prop_map(|(of, amount)| Action::Chargeback { of, amount }),
        2 => (amount(), any::<bool>()).prop_map(|(amount, paid)| Action::Refund { amount, paid }),
        3 => (amount(), later(), any::<bool>()).prop_map(|(value, due, penalty)| Action::Charge {
            name: "charge".into(),
            value,
            basis: FeeBasis::Flat,
            timing: ChargeTiming::OnDate,
            due_on: Some(due),
            penalty,
        }),
        2 => (
            1u32..50,
            later(),
            pick(&[FeeBasis::Amount, FeeBasis::Interest, FeeBasis::AmountAndInterest]),
            pick(&[ChargeTiming::OnDate, ChargeTiming::PerInstalment, ChargeTiming::AtDisbursement]),
            any::<bool>(),
        )
            .prop_map(|(thousandths, due, basis, timing, penalty)| Action::Charge {
                name: "fraction".into(),
                value: Decimal::new(thousandths.into(), 3),
                basis,
                timing,
                due_on: Some(due),
                penalty,
            }),
        1 => (earlier(), amount())
            .prop_map(|(charge, amount)| Action::PayCharge { charge, amount }),
        1 => earlier().prop_map(|charge| Action::WaiveCharge { charge }),
        1 => (earlier(), amount())
            .prop_map(|(charge, amount)| Action::AdjustCharge { charge, amount }),
        1 => earlier().prop_map(|charge| Action::UndoCharge { charge }),
        1 => amount().prop_map(|amount| Action::WaiveInterest { amount }),
        1 => (0u32..30).prop_map(|percent| Action::ChangeRate {
            annual_rate: Decimal::new(percent.into(), 2),
        }),
        1 => later().prop_map(|to| Action::PauseInterest { to }),
        1 => (later(), 1u32..5).prop_map(|(from, instalments)| Action::ReAge {
            from, instalments, frequency: Frequency::MONTHLY,
        }),
        1 => Just(Action::ReAmortise),
        1 => amount().prop_map(|amount| Action::CapitaliseIncome { amount }),
        1 => Just(Action::TransferOwner { owner: "another".into() }),
        1 => Just(Action::PayOff),
        1 => Just(Action::ChargeOff { reason: None, fraud: false }),
        1 => Just(Action::UndoChargeOff),
        1 => Just(Action::WriteOff),
        1 => Just(Action::Terminate),
        1 => (0u32..3, 0u32..2, 0u32..3).prop_map(|(extra, principal, interest)| {
            let (extra_instalments, principal_grace, interest_grace) = (extra, principal, interest);
            Action::Reschedule { extra_instalments, principal_grace, interest_grace }
        }),
        1 => later().prop_map(|to| Action::PauseDelinquency { to }),
        2 => Just(Action::EndOfDay),
    ]
}

/// A loan's terms and what happened to it, shown as the JSON it can be played from.
#[derive(Clone)]
pub(super) struct Life {
    pub(super) terms: LoanTerms,
    pub(super) operations: Vec<Operation>,
}

impl std::fmt::Debug for Life {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let json = |value: serde_json::Result<String>| value.unwrap_or_default();
        writeln!(out, "{}", json(serde_json::to_string(&self.terms)))?;
        self.operations
            .iter()
            .try_for_each(|one| writeln!(out, "{}", json(serde_json::to_string(one))))
    }
}

prop_compose! {
    /// A loan that was lent and what happened to it. Operations are recorded in order of day or
    /// not, and named by their number.
    pub(super) fn life()(
        terms in terms(),
        happened in proptest::collection::vec((0u32..200, action()), 0..10),
        in_order in any::<bool>(),
    ) -> Life {
        let mut happened = happened;
        if in_order {
            happened.sort_by_key(|(offset, _)| *offset);
        }
        let lent = Action::Disburse { amount: terms.schedule.principal };
        let mut operations = vec![operation(start(), lent)];
        operations.extend(happened.into_iter().map(|(offset, action)| operation(day(offset), action)));
        for (number, one) in operations.iter_mut().enumerate() {
            one.id = Some(number.to_string());
        }
        Life { terms, operations }
    }
}

/// The loan after all operations that it takes, and those.
pub(super) fn lived(terms: &LoanTerms, operations: &[Operation]) -> (Loan, Vec<Operation>) {
    let mut loan = Loan::open(terms.clone()).unwrap();
    let mut taken = Vec::new();
    for one in operations {
        if let Ok(next) = loan.clone().apply(one) {
            loan = next;
            taken.push(one.clone());
        }
    }
    (loan, taken)
}

/// A kind of transaction, its day, its portions and what of it nothing was owed for.
type Effect = (TransactionKind, NaiveDate, Amounts, Decimal);

/// What follows from what happened, without the history of how it was recorded.
pub(super) fn projection(loan: &Loan) -> (Vec<Line>, Vec<Effect>) {
    let standing = loan.transactions().iter().filter(|one| one.stands());
    let mut standing: Vec<_> =
        standing.map(|one| (one.kind, one.on, one.portions, one.overpaid)).collect();
    standing.sort_by_key(|one| (one.1, one.0));
    (loan.lines().to_vec(), standing)
}

/// The same without what recognises income, and without those whose portions say what of it was
/// recognised.
fn owed(loan: &Loan) -> (Vec<Line>, Vec<Effect>) {
    let (mut lines, mut standing) = projection(loan);
    for line in &mut lines {
        line.accrued = Seldom::default();
    }
    let told = [TransactionKind::OwnerTransfer, TransactionKind::ChargeWaiver];
    standing.retain(|one| !one.0.is_recognition() && !told.contains(&one.0));
    (lines, standing)
}

proptest! {
    #![proptest_config(tried(LIVES))]

    #[test]
    fn running_everything_again_changes_nothing(Life { terms, operations } in life()) {
        let (loan, taken) = lived(&terms, &operations);
        if loan.status() == LoanStatus::Approved {
            return Ok(());
        }
        let mut again = loan.clone();
        again.refold(u32::MAX).unwrap();
        prop_assert_eq!(projection(&again), projection(&loan));
        prop_assert_eq!(again.transactions().len(), loan.transactions().len());
        prop_assert_eq!(again.overpaid(), loan.overpaid());
        prop_assert!(Loan::fold(terms, &taken).unwrap() == loan);
    }

    /// When income is recognised is the lender's affair: what the borrower owes and pays is the same.
    #[test]
    fn recognition_changes_nothing_owed(Life { terms, operations } in life()) {
        let [with, without] = [true, false].map(|periodic| {
            let mut terms = terms.clone();
            terms.servicing.accrual.periodic = periodic;
            lived(&terms, &operations)
        });
        prop_assert_eq!(&with.1, &without.1);
        let (with, without) = (with.0, without.0);
        prop_assert_eq!(owed(&with), owed(&without));
        prop_assert_eq!(with.overpaid(), without.overpaid());
        prop_assert_eq!(with.status(), without.status());
        prop_assert_eq!(with.closed_on(), without.closed_on());
        prop_assert_eq!(with.overpaid_on(), without.overpaid_on());
    }

    /// What lines ask for as fees and penalties is what charges come to, and what was paid or
    /// forgiven of the ones was paid or forgiven of the others.
    #[test]
    fn lines_and_charges_say_the_same(Life { terms, operations } in life()) {
        let (loan, _) = lived(&terms, &operations);
        for component in [Component::Fee, Component::Penalty] {
            let lines = |of: fn(&Line) -> Amounts| -> Decimal {
                loan.lines().iter().map(|line| of(line)[component]).sum()
            };
            let of_it = || {
                let charges = loan.charges().iter();
                let charges = charges.filter(|one| one.active && one.component() == component);
                charges.flat_map(|one| &one.shares)
            };
            let credited = lines(|line| *line.credited);
            let charged: Decimal = of_it().map(|share| share.amount).sum();
            prop_assert_eq!(lines(|line| line.charged), charged + credited);
            prop_assert_eq!(lines(|line| *line.waived), of_it().map(|share| share.waived).sum());
            let paid: Decimal = of_it().map(|share| share.paid).sum();
            let paid_of_lines = lines(|line| line.paid);
            prop_assert!(paid <= paid_of_lines && paid_of_lines <= paid + credited);
        }
    }

    #[test]
    fn nothing_is_lost_and_nothing_owed_is_negative(Life { terms, operations } in life()) {
        let (loan, _) = lived(&terms, &operations);
        // A charge-off may ask for interest earned by then in place of principal that was paid.
        let by_component = loan.charged_off_on().is_none()
            || loan.terms().servicing.charge_off != ChargeOffBehaviour::ZeroInterest;
        for line in loan.lines() {
            prop_assert!(line.outstanding().unwrap().total().unwrap() >= Decimal::ZERO, "{:?}", line);
            for component in Component::ALL {
                let owed = line.outstanding_of(component).unwrap();
                prop_assert!(!by_component || owed >= Decimal::ZERO, "{:?}", line);
                prop_assert!(line.paid[component] >= Decimal::ZERO, "{:?}", line);
            }
        }
        prop_assert!(loan.overpaid() >= Decimal::ZERO);
        for one in loan.transactions().iter().filter(|one| one.stands()) {
            if one.kind.is_payment() {
                let parts = one.portions.total().unwrap() + one.overpaid;
                // A waiver forgives no more than is owed when it takes effect.
                let waived = one.kind == TransactionKind::InterestWaiver && parts < one.amount;
                prop_assert!(waived || parts == one.amount, "{:?}", one);
                // What is withheld from a disbursement is in no line.
                if one.kind == TransactionKind::RepaymentAtDisbursement {
                    continue;
                }
                let allocated = one.allocations.iter().try_fold(Amounts::ZERO, |sum, part| {
                    sum.plus(&part.amounts)
                }).unwrap();
                // What is withheld from a disbursement is in no line.
                if one.kind != TransactionKind::RepaymentAtDisbursement {
                    prop_assert_eq!(allocated, one.portions, "{:?}", one);
                }
            }
        }
    }

    #[test]
    fn what_was_lent_is_what_is_asked_for(Life { terms, operations } in life()) {
        let (loan, _) = lived(&terms, &operations);
        if loan.status() == LoanStatus::Approved {
            return Ok(());
        }
        let mut lent = Decimal::ZERO;
        for one in loan.transactions().iter().filter(|one| one.stands()) {
            if matches!(one.kind, TransactionKind::Disbursement | TransactionKind::CapitalisedIncome) {
                lent += one.amount;
            }
        }
        let sum = |part: fn(&Line) -> Decimal| loan.lines().iter().map(part).sum::<Decimal>();
        let asked = sum(|line| line.charged.principal - line.credited.principal);
        prop_assert_eq!(asked, lent, "{:?}", loan.lines());
    }

    #[test]
    fn movements_balance(Life { terms, operations } in life()) {
        let (loan, _) = lived(&terms, &operations);
        for one in loan.transactions() {
            let of = loan.journal().iter().filter(|movement| movement.transaction == one.id);
            let balance: Decimal = of.map(|movement| movement.debit - movement.credit).sum();
            prop_assert_eq!(balance, Decimal::ZERO, "{:?}", one);
        }
    }

    #[test]
    fn taking_a_payment_back_restores_what_was(
        Life { terms, operations } in life(), offset in 0u32..200, cents in 100i64..400_000,
    ) {
        let (mut before, _) = lived(&terms, &operations);
        // A charge-off of which a payment left nothing does not come back with what was paid.
        if before.charged_off_on().is_some() {
            return Ok(());
        }
        // Overdue principal bears interest up to the latest day anything was recorded on.
        let on = day(offset);
        before.today = before.today.max(on);
        if before.status() == LoanStatus::Approved {
            return Ok(());
        }
        before.refold(u32::MAX).unwrap();
        let mut paid = payment(on, cents, PaymentKind::Repayment);
        paid.id = Some("paid".into());
        let back = operation(on, Action::Reverse { of: "paid".into(), only: None });
        if let Ok(after) = before.clone().apply(&paid) {
            let restored = after.apply(&back).unwrap();
            let recognised = |one: &(TransactionKind, NaiveDate, Amounts, Decimal)| !one.0.is_recognition();
            let (lines, standing) = projection(&before);
            let (lines_now, standing_now) = projection(&restored);
            prop_assert_eq!(
                standing_now.into_iter().filter(recognised).collect::<Vec<_>>(),
                standing.into_iter().filter(recognised).collect::<Vec<_>>()
            );
            for (line, now) in lines.iter().zip(&lines_now) {
                let shown = |line: &Line| (line.due_date, line.charged, line.paid, line.settled_on);
                prop_assert_eq!(shown(now), shown(line));
            }
            prop_assert_eq!(lines.len(), lines_now.len());
            prop_assert_eq!(restored.overpaid(), before.overpaid());
            prop_assert_eq!(restored.status(), before.status());
        }
    }

    #[test]
    fn the_order_of_recording_changes_nothing(
        terms in terms(),
        paid in proptest::collection::btree_map(1u32..200, money(), 1..6),
        order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let mut lent = operation(start(), Action::Disburse { amount: terms.schedule.principal });
        lent.recorded_on = Some(start());
        let recorded = |(offset, action): (u32, Action)| {
            let on = day(offset);
            Operation { recorded_on: Some(on), ..operation(on, action) }
        };
        let in_order: Vec<Operation> = paid.into_iter().map(recorded).collect();
        let mixed: Vec<Operation> =
            order.iter().filter_map(|&at| in_order.get(at)).cloned().collect();
        let folded = |list: Vec<Operation>| {
            let all: Vec<Operation> = std::iter::once(lent.clone()).chain(list).collect();
            Loan::fold(terms.clone(), &all)
        };
        let (one, other) = (folded(in_order), folded(mixed));
        if let (Ok(one), Ok(other)) = (one, other) {
            let shown = |line: &Line| (line.due_date, line.charged, line.paid, line.settled_on);
            let lines = |loan: &Loan| loan.lines().iter().map(shown).collect::<Vec<_>>();
            prop_assert_eq!(lines(&one), lines(&other));
            prop_assert_eq!(one.overpaid(), other.overpaid());
            prop_assert_eq!(one.status(), other.status());
        }
    }

    #[test]
    fn paying_the_quote_closes(Life { terms, operations } in life(), offset in 0u32..300) {
        let (loan, _) = lived(&terms, &operations);
        let on = day(offset);
        let Ok(quote) = loan.payoff_quote(on) else { return Ok(()) };
        prop_assert!(quote.good_through.is_none_or(|day| day >= on));
        if quote.total.is_zero() {
            return Ok(());
        }
        let pay = |amount| loan.clone().apply(&operation(on, Action::Repay {
            amount, kind: PaymentKind::Repayment,
        }));
        let closed = pay(quote.total).unwrap();
        // A loan that was given up stays so, whatever is paid of what came up later.
        let ended = matches!(closed.status(), LoanStatus::Closed | LoanStatus::WrittenOff);
        prop_assert!(ended, "{:?}", quote);
        prop_assert_eq!(closed.overpaid(), Decimal::ZERO);
        let less = quote.total - Decimal::new(1, 2);
        if !less.is_zero() {
            prop_assert_eq!(pay(less).unwrap().status(), LoanStatus::Active, "{:?}", quote);
        }
    }

    #[test]
    fn every_amount_is_explained(Life { terms, operations } in life()) {
        let (loan, _) = lived(&terms, &operations);
        for path in loan.explainable().unwrap() {
            let found = loan.explain(&path).unwrap();
            let sum: Decimal = found.parts.iter().map(|part| part.amount).sum();
            prop_assert_eq!(sum, found.amount, "{}", path);
            let whole = found.parts.iter().all(|part| part.what != "the rest");
            prop_assert!(whole, "{:?} of {:?}", found, loan.transactions());
        }
    }

    #[test]
    fn a_stored_state_goes_on_as_the_loan(Life { terms, operations } in life()) {
        let (loan, taken) = lived(&terms, &operations);
        let text = serde_json::to_string(&loan.save().unwrap()).unwrap();
        let restored = Loan::restore(serde_json::from_str(&text).unwrap()).unwrap();
        prop_assert!(restored == loan);
        let split = taken.len() / 2;
        let half = Loan::fold(terms, &taken[..split]).unwrap();
        let half = Loan::restore(half.save().unwrap()).unwrap();
        prop_assert!(taken[split..].iter().try_fold(half, Loan::apply).unwrap() == loan);
    }

    #[test]
    fn a_difference_leads_from_one_state_to_the_next(Life { terms, operations } in life()) {
        let mut loan = Loan::open(terms).unwrap();
        for one in &operations {
            let Ok(next) = loan.clone().apply(one) else { continue };
            let difference = next.difference_from(&loan);
            let mut transactions = loan.transactions().to_vec();
            for now in difference.reversed.iter().chain(&difference.restated) {
                transactions[now.id as usize - 1] = now.clone();
            }
            transactions.extend(difference.made);
            prop_assert_eq!(&transactions[..], next.transactions());
            let mut journal = loan.journal().to_vec();
            journal.extend(difference.posted);
            prop_assert_eq!(&journal[..], next.journal());
            loan = next;
        }
    }

    #[test]
    fn looking_back_is_as_it_was_seen(Life { terms, operations } in life(), offset in 0u32..200) {
        let (loan, taken) = lived(&terms, &operations);
        let at = |valid, known| loan_at(terms.clone(), &taken, valid, known);
        prop_assert!(at(None, None).unwrap() == loan);
        prop_assert!(at(Some(day(10_000)), None).unwrap() == loan);
        let known = day(offset);
        let mut seen = Loan::open(terms.clone()).unwrap();
        for one in loan.operations().iter().take_while(|one| one.recorded_on <= known) {
            seen = seen.apply(&one.operation).unwrap();
        }
        prop_assert!(at(None, Some(known)).unwrap() == seen);
        if let Ok(then) = at(Some(known), None) {
            let within = then.transactions().iter().all(|one| {
                !one.stands() || one.kind.is_recognition() || one.on <= known
            });
            prop_assert!(within);
        }
    }
}
