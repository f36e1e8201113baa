//! Value order: everything that stands, run from the beginning in the order it takes effect.
//!
//! A day's effects run as recorded, notes of what a period earned last. A charge takes effect when
//! it was recorded, or on its due date where that is earlier; one of a fixed loan from the beginning.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::state::amounts::Amounts;
use super::state::charge::Charge;
use super::state::loan::{InTime, Loan};
use super::state::refusal::ServicingError;
use super::state::transaction::{Reversal, Transaction, TransactionKind};
use super::state::variation::Variation;
use crate::domain::decimal::{add, sub};

/// One thing that takes effect, by its index in the list it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    Variation(usize),
    Charge(usize),
    Transaction(usize),
}

/// A place in value order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    on: NaiveDate,
    note: bool,
    recorded_on: NaiveDate,
    sequence: u32,
    in_operation: u8,
    effect: Effect,
}

impl Place {
    fn of_variation((at, one): (usize, &Variation)) -> Option<Self> {
        one.active.then_some(Self {
            on: one.on,
            note: false,
            recorded_on: one.on,
            // It counts from the morning of its day.
            sequence: 0,
            in_operation: 0,
            effect: Effect::Variation(at),
        })
    }

    /// The lines of a fixed loan are there from the beginning, and so are its charges.
    fn of_charge((at, one): (usize, &Charge), fixed: bool) -> Option<Self> {
        one.active.then_some(Self {
            on: if fixed { NaiveDate::MIN } else { one.effective_on() },
            note: false,
            recorded_on: one.recorded_on,
            sequence: one.sequence,
            in_operation: 0,
            effect: Effect::Charge(at),
        })
    }

    fn of_transaction((at, one): (usize, &Transaction)) -> Option<Self> {
        let note = one.kind == TransactionKind::AccrualActivity;
        (one.stands() && (note || !one.kind.is_recognition())).then_some(Self {
            on: one.on,
            note,
            recorded_on: one.recorded_on,
            sequence: one.sequence,
            in_operation: one.kind.place_in_operation(),
            effect: Effect::Transaction(at),
        })
    }

    /// Its place without the list it is in.
    fn in_time(&self) -> InTime {
        (self.on, self.note, self.recorded_on, self.sequence)
    }
}

/// What a run knows beyond the loan itself.
#[derive(Debug, Default)]
pub(crate) struct Run {
    /// Days on which a transaction came out different: later ones of the day are made anew, too,
    /// so that they keep their order.
    changed_on: Vec<NaiveDate>,
    /// The operation that made the run necessary.
    pub(crate) sequence: u32,
    /// Payments that hold money nothing was owed for, in the order run.
    pub(crate) held: Vec<u32>,
    /// How many transactions there were before.
    existing: u32,
}

impl Run {
    /// Whether the run made a transaction.
    pub(crate) fn made(&self, id: u32) -> bool {
        id > self.existing
    }
}

impl Loan {
    /// Runs everything that stands from the beginning. Transactions that come to something else
    /// than before are reversed and made anew.
    pub(crate) fn refold(&mut self, sequence: u32) -> Result<(), ServicingError> {
        self.check_whole()?;
        let recognised = self.recognised_by_line();
        self.reset()?;
        let mut places = self.value_order();
        self.hold_adjustments_back(&mut places);
        self.run_places(&places, sequence)?;
        self.restore_recognised(&recognised);
        self.set_balances()
    }

    /// Runs what an operation made on top of everything else. This is possible if nothing that
    /// stands takes effect after it and no line was laid by what is paid; if not, nothing happens
    /// and the answer is no.
    pub(crate) fn run_on_top(&mut self, sequence: u32) -> Result<bool, ServicingError> {
        if self.is_recast(&self.terms.schedule) {
            return Ok(false);
        }
        let new = self.places_of(sequence);
        let first = new.first().map(|place| place.in_time());
        if first.is_some_and(|first| self.latest.is_none_or(|latest| first < latest)) {
            return Ok(false);
        }
        self.go_on_with(&new, sequence)?;
        self.set_balances_from(self.principal, &new)?;
        Ok(true)
    }

    /// Lets overdue principal bear interest up to today.
    pub(crate) fn look_at_today(&mut self, sequence: u32) -> Result<(), ServicingError> {
        if self.model.is_none() {
            return self.refold(sequence);
        }
        let carried = self.bare.as_ref().map_or(self.carried_to, |bare| bare.2);
        if carried.is_some_and(|carried| carried > self.today) {
            return Ok(());
        }
        self.go_on_with(&[], sequence)
    }

    /// Goes on with effects from where the last operation left off.
    fn go_on_with(&mut self, places: &[Place], sequence: u32) -> Result<(), ServicingError> {
        let Some(bare) = self.bare.take() else { return self.run_places(places, sequence) };
        let recognised = self.recognised_by_line();
        (self.lines, self.model, self.carried_to) = *bare;
        self.run_places(places, sequence)?;
        self.restore_recognised(&recognised);
        Ok(())
    }

    /// Runs effects in their order, and then lets overdue principal bear interest up to today.
    fn run_places(&mut self, places: &[Place], sequence: u32) -> Result<(), ServicingError> {
        let existing = self.transactions_made();
        let mut run = Run { sequence, existing, ..Run::default() };
        for place in places {
            match place.effect {
                Effect::Variation(at) => {
                    self.vary(at)?;
                    // Fractions may come to more than was paid of them.
                    if self.overpaid > Decimal::ZERO && !self.charges.is_empty() {
                        self.use_held_money(&mut run)?;
                    }
                }
                Effect::Charge(at) => self.run_charge(at, &mut run)?,
                Effect::Transaction(at) => {
                    self.run_again(at, &mut run)?;
                    self.give_interest_back(at, &mut run)?;
                }
            }
        }
        self.keep_unchanged(&run);
        self.latest = self.latest.max(places.last().map(|place| place.in_time()));
        if self.carries_overdue(self.today) {
            // The next operation goes on from here, as if today had not been looked at.
            self.bare = Some(Box::new((self.lines.clone(), self.model.clone(), self.carried_to)));
            self.recalculate_to(self.today)?;
        }
        if places.is_empty() || self.follows_payments() || !self.only_pays(places) {
            self.reopen_lines()?;
        }
        self.finish_charged_lines()
    }

    /// Whether effects are payments alone. Where interest does not follow payments they make
    /// nothing owed again.
    fn only_pays(&self, places: &[Place]) -> bool {
        let pays = |at: usize| self.transactions.get(at).is_some_and(|one| one.kind.is_payment());
        places.iter().all(|place| matches!(place.effect, Effect::Transaction(at) if pays(at)))
    }

    /// Everything that stands, in value order.
    fn value_order(&self) -> Vec<Place> {
        let variations = self.variations.iter().enumerate().filter_map(Place::of_variation);
        let fixed = self.model.is_none();
        let charges =
            self.charges.iter().enumerate().filter_map(|one| Place::of_charge(one, fixed));
        let transactions = self.transactions.iter().enumerate();
        let standing = transactions.clone().filter_map(Place::of_transaction);
        // One that came to nothing for a while may come to something again.
        let waiting = transactions
            .filter(|(_, one)| self.waits(one))
            .filter_map(|(at, one)| Place::of_transaction((at, &one.standing_again())));
        let mut places: Vec<Place> =
            variations.chain(charges).chain(standing).chain(waiting).collect();
        places.sort_unstable();
        places
    }

    /// A charge is adjusted as things stand. Where interest does not follow payments an adjustment
    /// therefore takes effect after everything recorded before it, whatever day it counts from.
    fn hold_adjustments_back(&self, places: &mut [Place]) {
        if self.follows_payments() {
            return;
        }
        let earlier: Vec<Place> = places.to_vec();
        for place in places.iter_mut() {
            let Effect::Transaction(at) = place.effect else { continue };
            let adjusts = |one: &&Transaction| one.kind == TransactionKind::ChargeAdjustment;
            if self.transactions.get(at).filter(adjusts).is_none() {
                continue;
            }
            for one in earlier.iter().filter(|one| one.sequence < place.sequence) {
                place.on = place.on.max(one.on);
                place.recorded_on = place.recorded_on.max(one.recorded_on);
            }
        }
        places.sort_unstable();
    }

    /// What the last operation made, in value order.
    fn places_of(&self, sequence: u32) -> Vec<Place> {
        let variations = self.variations.iter().enumerate().rev();
        let charges = self.charges.iter().enumerate().rev();
        let transactions = self.transactions.iter().enumerate().rev();
        let mut places: Vec<Place> = variations
            .take_while(|(_, one)| one.sequence == sequence)
            .filter_map(Place::of_variation)
            .collect();
        places.extend(
            charges
                .take_while(|(_, one)| one.sequence == sequence)
                .filter_map(|one| Place::of_charge(one, self.model.is_none())),
        );
        places.extend(
            transactions
                .take_while(|(_, one)| one.sequence == sequence)
                .filter_map(Place::of_transaction),
        );
        places.sort_unstable();
        places
    }

    /// Takes lines, charges and model back to before anything happened.
    fn reset(&mut self) -> Result<(), ServicingError> {
        self.reset_charges();
        self.overpaid = Decimal::ZERO;
        self.carried_to = None;
        self.charged_off_on = self.charged_off_on.filter(|_| self.is_lent());
        self.stands_since = None;
        self.bare = None;
        self.latest = None;
        self.begin_lines()
    }

    /// Runs a transaction once more and makes it anew if it comes to something else.
    fn run_again(&mut self, at: usize, run: &mut Run) -> Result<(), ServicingError> {
        let Some(old) = self.transactions.get(at) else { return Ok(()) };
        if !is_run(old.kind) {
            return Ok(());
        }
        let waited = !old.stands();
        let mut new = old.standing_again();
        if new.kind == TransactionKind::AccrualActivity {
            self.note_again(&mut new)?;
        } else {
            self.process(&mut new)?;
        }
        if waited && new.came_to_nothing() {
            return Ok(());
        }
        let Some(old) = self.transactions.get_mut(at) else { return Ok(()) };
        let same = old.came_to_same(&new) && !waited;
        let first_run = old.sequence == run.sequence;
        let stays = first_run || (same && !run.changed_on.contains(&old.on));
        if stays && !new.came_to_nothing() {
            let id = old.id;
            *old = new;
            self.note_held(id, run);
            return Ok(());
        }
        run.changed_on.push(old.on);
        let reversal = Reversal { recorded_on: self.today, sequence: run.sequence, asked: false };
        old.reversed = old.reversed.or(Some(reversal));
        new.replaces = Some(old.id);
        if !new.came_to_nothing() {
            let id = self.push_transaction(new);
            self.note_held(id, run);
        }
        Ok(())
    }

    /// Lets a charge take effect; money that is held pays it.
    fn run_charge(&mut self, at: usize, run: &mut Run) -> Result<(), ServicingError> {
        self.place_charge(at)?;
        let Some(charge) = self.charges.get(at) else { return Ok(()) };
        if charge.shares.is_empty() || charge.outstanding()? <= Decimal::ZERO {
            return Ok(());
        }
        self.use_held_money(run)
    }

    /// Adds a transaction under a number of its own.
    pub(crate) fn push_transaction(&mut self, mut transaction: Transaction) -> u32 {
        let id = self.transactions_made().saturating_add(1);
        transaction.id = id;
        self.transactions.push(transaction);
        id
    }

    /// A transaction by its number, or the one that stands in its place.
    pub(crate) fn standing(&self, id: u32) -> Option<&Transaction> {
        let mut wanted = id;
        loop {
            let found = self.made(wanted)?;
            match self.transactions.iter().find(|one| one.replaces == Some(found.id)) {
                Some(later) if !found.stands() => wanted = later.id,
                _ => return Some(found),
            }
        }
    }

    /// Lets a transaction do what its kind does.
    pub(crate) fn process(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        self.recalculate_to(one.on)?;
        one.portions = Amounts::ZERO;
        one.overpaid = Decimal::ZERO;
        one.allocations.clear();
        one.charges.clear();
        match one.kind {
            TransactionKind::Disbursement => self.lend(one),
            TransactionKind::RepaymentAtDisbursement => self.pay_at_disbursement(one),
            TransactionKind::ChargePayment => self.pay_charge(one),
            TransactionKind::CapitalisedIncome => self.capitalise(one),
            TransactionKind::Chargeback => self.charge_back(one),
            TransactionKind::CreditBalanceRefund => self.refund_held(one),
            TransactionKind::Refund => self.refund_paid(one),
            TransactionKind::ReAge => self.re_age(one),
            TransactionKind::ReAmortise => self.re_amortise(one),
            TransactionKind::ChargeOff => self.charge_off(one),
            TransactionKind::Termination => self.terminate(one),
            TransactionKind::WriteOff => self.write_off(one),
            TransactionKind::Recovery => Ok(()),
            TransactionKind::InterestWaiver => self.waive_interest(one),
            TransactionKind::InterestRefund => self.refund_interest(one),
            kind if kind.is_payment() => self.pay(one),
            kind => Err(ServicingError::NotProvided {
                reason: format!("Transactions of the kind {kind:?} are not run."),
            }),
        }
    }

    /// Lets no line be settled of which something is owed.
    pub(crate) fn reopen_lines(&mut self) -> Result<(), ServicingError> {
        for line in &mut self.lines {
            if line.settled_on.is_some() && !line.owes_nothing()? {
                line.settled_on = None;
            }
        }
        Ok(())
    }

    /// Computes what is outstanding of principal after each transaction.
    fn set_balances(&mut self) -> Result<(), ServicingError> {
        let places = self.value_order();
        self.set_balances_from(Decimal::ZERO, &places)
    }

    /// The same for some of them, going on from a balance.
    fn set_balances_from(
        &mut self,
        mut balance: Decimal,
        places: &[Place],
    ) -> Result<(), ServicingError> {
        let ordered_credit = !self.terms.servicing.allocation.chargeback.is_empty();
        for place in places {
            let Effect::Transaction(at) = place.effect else { continue };
            let Some(one) = self.transactions.get_mut(at) else { continue };
            if one.kind.is_recognition() || one.kind.leaves_balance() {
                one.balance = Decimal::ZERO;
                continue;
            }
            balance = add(balance, lent_by(one, ordered_credit)?)?;
            one.balance = balance.max(Decimal::ZERO);
        }
        self.principal = balance;
        Ok(())
    }
}

/// By how much a transaction changes what is outstanding of principal.
fn lent_by(one: &Transaction, ordered_credit: bool) -> Result<Decimal, ServicingError> {
    Ok(match one.kind {
        TransactionKind::Disbursement | TransactionKind::CapitalisedIncome => {
            sub(one.amount, one.overpaid)?
        }
        TransactionKind::Chargeback | TransactionKind::CreditBalanceRefund
            if one.overpaid.is_zero() =>
        {
            one.portions.principal
        }
        TransactionKind::Chargeback | TransactionKind::CreditBalanceRefund if ordered_credit => {
            // All of it was recognised first, and money that was held paid a part of it at once.
            let paid = one
                .allocations
                .iter()
                .try_fold(Decimal::ZERO, |sum, part| add(sum, part.amounts.principal))?;
            sub(one.portions.principal, paid)?.max(Decimal::ZERO)
        }
        TransactionKind::Chargeback | TransactionKind::CreditBalanceRefund => {
            sub(one.amount, one.overpaid)?.max(Decimal::ZERO)
        }
        TransactionKind::Refund => one.portions.principal,
        TransactionKind::OwnerTransfer => Decimal::ZERO,
        _ => sub(Decimal::ZERO, one.portions.principal)?,
    })
}

/// Whether a kind of transaction takes part in a run; recognitions stand by themselves, and so does
/// what was handed over.
fn is_run(kind: TransactionKind) -> bool {
    let stands = matches!(kind, TransactionKind::ChargeWaiver | TransactionKind::OwnerTransfer);
    kind == TransactionKind::AccrualActivity || (!kind.is_recognition() && !stands)
}
