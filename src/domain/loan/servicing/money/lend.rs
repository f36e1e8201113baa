//! Lending: disbursements and their down payments.

use rust_decimal::Decimal;

use super::super::changing::plan;
use super::super::state::entry::Entry;
use super::super::state::line::{Line, LineKind};
use super::super::state::loan::Loan;
use super::super::state::refusal::ServicingError;
use super::super::state::transaction::{Reversal, Transaction, TransactionKind};
use crate::domain::decimal::sub;
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::equal_parts::add_in_equal_parts;
use crate::domain::loan::schedule::{down_payment, empty_model};
use crate::domain::loan::terms::Disbursement;

impl Loan {
    /// The lines and the calculator before anything is lent.
    pub(crate) fn begin_lines(&mut self) -> Result<(), ServicingError> {
        if !self.terms.schedule.is_plain_progressive() {
            self.model = None;
            let agreed = plan::agreed(&self.terms.schedule, &self.lent(), &self.variations)?;
            self.lines = if self.is_recast(&agreed.terms) {
                agreed.put_off(self.recast_lines(&agreed.terms, &agreed.amendments)?)?
            } else {
                agreed.lines()?
            };
            return Ok(());
        }
        let terms = self.terms_as_lent();
        let model = empty_model(&terms, &self.amendments(&terms)?)?;
        let settled_on = Some(self.terms.schedule.disbursed_on);
        self.lines.clear();
        self.lines.extend((1u32..).zip(model.dates()).map(|(number, (period_start, due_date))| {
            Line { number, period_start, due_date, settled_on, ..Line::default() }
        }));
        self.model = Some(model);
        Ok(())
    }

    /// A disbursement, with its down payment where that is taken by itself.
    pub(crate) fn take_disbursement(
        &mut self,
        entry: &Entry,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        let first = !self.is_lent();
        self.check_amount(amount)?;
        self.check_not_ended("lend")?;
        let most = self.left_to_lend()?;
        if amount > most {
            return Err(ServicingError::TooMuch { amount, most });
        }
        let id = self.record_transaction(entry, TransactionKind::Disbursement, amount);
        self.withhold_charges(entry)?;
        if self.terms.servicing.collect_down_payment {
            let share = down_payment(&self.terms.schedule, amount, first)?;
            // What money that was held paid of the disbursement counts for the down payment.
            self.refold(entry.sequence)?;
            let down = sub(share, self.paid_at_once(id)?)?;
            if down > Decimal::ZERO {
                self.record_transaction(entry, TransactionKind::DownPayment, down);
            }
        }
        Ok(())
    }

    /// How much of a disbursement was paid by money that was held.
    fn paid_at_once(&self, id: u32) -> Result<Decimal, ServicingError> {
        let Some(one) = self.transactions.iter().find(|one| one.id == id) else {
            return Ok(Decimal::ZERO);
        };
        if self.model.is_some() {
            return Ok(one.overpaid);
        }
        // The payments of a fixed loan, run over its new lines, have paid it already.
        if self.overpaid > Decimal::ZERO {
            return Ok(one.amount);
        }
        Ok(sub(one.amount, one.balance)?.max(Decimal::ZERO))
    }

    /// Takes disbursements back: the last one with what was repaid since on its day, or all of
    /// them, as where there is only one, with everything that followed.
    pub(crate) fn undo_disbursement(
        &mut self,
        entry: &Entry,
        all: bool,
    ) -> Result<(), ServicingError> {
        let lent = |one: &&Transaction| one.stands() && one.kind == TransactionKind::Disbursement;
        let all = all || self.transactions.iter().filter(lent).count() == 1;
        let last = self.transactions.iter().filter(lent).max_by_key(|one| one.sequence);
        let Some((on, sequence)) = last.map(|one| (one.on, one.sequence)) else {
            return Err(self.wrong_state("undo a disbursement"));
        };
        let later = |one: &Transaction| one.stands() && one.kind.is_payment() && one.on > on;
        if !all && self.transactions.iter().any(later) {
            return Err(self.wrong_state("undo a disbursement before a payment"));
        }
        let reversal =
            Reversal { recorded_on: entry.recorded_on, sequence: entry.sequence, asked: true };
        let waiting: Vec<u32> =
            self.transactions.iter().filter(|one| self.waits(one)).map(|one| one.id).collect();
        for one in self.transactions.iter_mut().filter(|one| all && waiting.contains(&one.id)) {
            one.reversed = Some(reversal);
        }
        for one in self.transactions.iter_mut().filter(|one| one.reversed.is_none()) {
            let since = one.on >= on && one.sequence > sequence;
            let goes = match one.kind {
                TransactionKind::Repayment | TransactionKind::AccrualActivity if since => true,
                kind => one.sequence == sequence && !kind.is_recognition(),
            };
            if all || goes {
                one.reversed = Some(reversal);
            }
        }
        // What was agreed since of a loan that was not lent is not agreed; what the terms foresee is.
        for one in self.variations.iter_mut().filter(|one| all && one.sequence > 0) {
            one.active = false;
        }
        self.check_built_on()
    }

    /// What was lent and, where the schedule is fixed, added to the principal, as it was recorded.
    fn lent(&self) -> Vec<Disbursement> {
        let lent = |one: &Transaction| {
            let capitalised = one.kind == TransactionKind::CapitalisedIncome;
            let counts = one.kind == TransactionKind::Disbursement || capitalised;
            (one.stands() && counts).then_some(Disbursement {
                on: one.on,
                amount: one.amount,
                capitalised,
            })
        };
        self.transactions.iter().filter_map(lent).collect()
    }

    /// The terms of a progressive loan's schedule with the first amount as it was really lent.
    pub(crate) fn terms_as_lent(&self) -> ScheduleTerms {
        let mut first = self.lent();
        first.retain(|one| !one.capitalised);
        first.sort_by_key(|one| one.on);
        first.truncate(1);
        plan::really_lent(&self.terms.schedule, &first)
    }

    /// Lends the amount of a disbursement. The lines of a fixed loan know it from the beginning.
    pub(crate) fn lend(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        if self.model.is_none() {
            return Ok(());
        }
        let first = !self.lines.iter().any(|line| line.kind == LineKind::DownPayment);
        let down = down_payment(&self.terms.schedule, one.amount, first)?;
        if down > Decimal::ZERO {
            self.add_down_payment(one, down)?;
        }
        self.add_principal(one, sub(one.amount, down)?)?;
        self.reprice_charges()?;
        self.use_overpayment(one)
    }

    /// Adds an amount to the principal from the day of a transaction.
    pub(crate) fn add_principal(
        &mut self,
        one: &Transaction,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        if amount <= Decimal::ZERO {
            return Ok(());
        }
        if !self.bears_interest() {
            return self.spread(one, amount);
        }
        if let Some(model) = &mut self.model {
            model.add_disbursement(one.on, amount)?;
        }
        let later = |line: &Line| one.on <= line.due_date;
        self.adopt_anew(one.on, amount, later)?;
        if self.follows_payments() {
            // More lent may settle a line that asks for less now; other loans have that noted.
            for line in self.lines.iter_mut().filter(|line| later(line)) {
                line.note_settlement(one.on)?;
            }
        }
        Ok(())
    }

    /// Adds the line of a down payment on the day of its disbursement, before the instalment of
    /// the period the day is in.
    fn add_down_payment(
        &mut self,
        one: &Transaction,
        amount: Decimal,
    ) -> Result<(), ServicingError> {
        let at = self.lines.partition_point(|line| line.due_date <= one.on);
        let mut line = Line {
            kind: LineKind::DownPayment,
            period_start: one.on,
            due_date: one.on,
            ..Line::default()
        };
        line.charged.principal = amount;
        self.lines.insert(at, line);
        self.number_lines();
        Ok(())
    }

    /// Numbers the lines as they stand.
    pub(crate) fn number_lines(&mut self) {
        for (number, line) in (1u32..).zip(&mut self.lines) {
            line.number = number;
        }
    }

    /// Adds an amount in equal parts to the instalments to come of a loan without interest.
    fn spread(&mut self, one: &Transaction, amount: Decimal) -> Result<(), ServicingError> {
        let mut spared = self.terms.schedule.grace.principal;
        let future = |line: &&mut Line| line.due_date > one.on && line.is_modelled();
        let mut to_come = Vec::with_capacity(self.lines.len());
        for line in &mut self.lines {
            let is_spared = spared > 0 && line.kind == LineKind::Instalment;
            spared -= u32::from(is_spared);
            if future(&line) && !is_spared {
                to_come.push(&mut line.charged.principal);
            }
        }
        if to_come.is_empty() {
            return Err(ServicingError::BadDate {
                on: one.on,
                reason: "No instalment is due after it.".into(),
            });
        }
        add_in_equal_parts(&self.terms.schedule, amount, &mut to_come)?;
        self.lines.iter_mut().filter(future).try_for_each(|line| line.note_settlement(one.on))?;
        Ok(())
    }

    /// Pays what became owed with money that is held.
    pub(crate) fn use_overpayment(&mut self, one: &mut Transaction) -> Result<(), ServicingError> {
        if self.overpaid <= Decimal::ZERO {
            return Ok(());
        }
        one.overpaid = one.amount.min(self.overpaid);
        let rule = self.terms.servicing.allocation.default.clone();
        // What the held money pays is no portion of the disbursement.
        let mut held = one.clone();
        self.overpaid = self.allocate(&mut held, self.overpaid, &rule)?;
        one.allocations = held.allocations;
        one.charges = held.charges;
        Ok(())
    }
}
