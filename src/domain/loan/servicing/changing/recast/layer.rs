//! Lines laid one after the other, each with everything that was paid until it is due.

use std::collections::VecDeque;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::super::super::state::amounts::{Amounts, Component};
use super::super::super::state::charge::{Charge, ChargeTiming};
use super::super::super::state::entry::Entry;
use super::super::super::state::line::{Line, LineKind};
use super::super::super::state::loan::Loan;
use super::super::super::state::refusal::ServicingError;
use super::super::super::state::transaction::{Transaction, TransactionKind};
use super::super::super::terms::{PayoffInterest, PrepaymentEffect, Recalculation};
use crate::domain::decimal::{add, sub};
use crate::domain::loan::ScheduleTerms;
use crate::domain::loan::amendment::Pause;
use crate::domain::loan::amortisation::{Amortisation, Course, State, Tranche};
use crate::domain::loan::plan::{Plan, PlannedPeriod};
use crate::domain::loan::schedule::{down_payment_on, rates};
use crate::domain::loan::terms::{Disbursement, RoundingFamily};

/// Lines being laid.
pub(super) struct Layer<'a> {
    terms: &'a ScheduleTerms,
    /// How instalments are made.
    amortisation: Amortisation<'a>,
    /// Due dates, for interest that changes only on them.
    due_dates: Option<Vec<NaiveDate>>,
    /// The end of the last period.
    end: NaiveDate,
    /// What is not lent yet.
    tranches: VecDeque<Disbursement>,
    /// What is not paid yet.
    payments: VecDeque<Transaction>,
    /// The lines so far, with what was paid of them.
    loan: Loan,
    /// The loan as it is.
    source: &'a Loan,
    /// Until when principal past due bears interest.
    today: NaiveDate,
    /// The amount that instalments follow.
    amount: Decimal,
    /// Interest that lines so far did not ask for; its balance is not kept.
    put_off: State,
    /// What is lent so far, without down payments.
    lent: Decimal,
    /// Principal of the lines so far, without down payments.
    repaid: Decimal,
    /// Principal past due that bears interest.
    overdue: Decimal,
    /// Interest that was forgiven before it was asked for.
    forgiven: Decimal,
    /// What was paid of charges before a line asked for them.
    charges_paid: Vec<(&'a str, Decimal)>,
    /// What was charged back since the last line.
    back: Decimal,
    /// What of it was not paid yet; the rest is paid when that line is due.
    back_owed: Decimal,
    /// Money that nothing was owed for yet.
    held: Decimal,
    /// Principal repaid beyond its line that the next lines need not ask for.
    credit: Decimal,
}

/// What happens to the balance within one period.
#[derive(Default)]
struct Within {
    /// The balance that bears interest at the start.
    opening: Decimal,
    /// Changes of the balance that bears interest, by the evening from which they count.
    changes: Vec<Tranche>,
    /// What was paid, was not needed by lines past due and lowers the balance at once.
    early: Decimal,
    /// The same that lowers it only when the line is due.
    at_due: Decimal,
    /// The day on which everything was paid off, with the interest until then.
    paid_off: Option<(NaiveDate, Decimal)>,
}

impl<'a> Layer<'a> {
    pub(super) fn new(
        loan: &'a Loan,
        terms: &'a ScheduleTerms,
        plan: &'a Plan,
        pauses: &[Pause],
    ) -> Result<Self, ServicingError> {
        let first = Disbursement::new(terms.disbursed_on, terms.principal);
        let course = Course::new(terms, plan, rates(terms, plan)?, Vec::new()).pausing(pauses);
        let due_dates: Vec<NaiveDate> = plan.periods.iter().map(|period| period.due).collect();
        let at_due_dates = loan.terms.servicing.recalculation.interest == Recalculation::AtDueDates;
        let end = due_dates.last().copied().unwrap_or(terms.disbursed_on);
        let mut blank = loan.clone();
        (blank.lines, blank.charges, blank.transactions) = (Vec::new(), Vec::new(), Vec::new());
        blank.model = None;
        let mut layer = Self {
            terms,
            amortisation: Amortisation::new(terms, plan, course)?,
            due_dates: at_due_dates.then_some(due_dates),
            end,
            tranches: [first].into_iter().chain(terms.disbursements.iter().copied()).collect(),
            payments: loan.payments(),
            loan: blank,
            source: loan,
            today: loan.looked_at_on(),
            amount: Decimal::ZERO,
            put_off: State::default(),
            lent: Decimal::ZERO,
            repaid: Decimal::ZERO,
            overdue: Decimal::ZERO,
            forgiven: Decimal::ZERO,
            charges_paid: Vec::new(),
            back: Decimal::ZERO,
            back_owed: Decimal::ZERO,
            held: Decimal::ZERO,
            credit: Decimal::ZERO,
        };
        layer.today = layer.counts_from(layer.today);
        Ok(layer)
    }

    /// The day from which interest follows what happens on a day.
    fn counts_from(&self, day: NaiveDate) -> NaiveDate {
        let next = self.due_dates.as_ref().and_then(|dates| {
            let at = dates.partition_point(|due| *due < day);
            dates.get(at).copied()
        });
        next.unwrap_or(day)
    }

    /// What the instalments to come have to repay. The cumulative family knows what will be lent.
    fn to_repay(&self) -> Result<Decimal, ServicingError> {
        let mut balance = sub(self.lent, self.repaid)?;
        if self.is_cumulative() {
            for tranche in &self.tranches {
                let down = down_payment_on(self.terms, tranche, self.lent.is_zero())?;
                balance = add(balance, sub(tranche.amount, down)?)?;
            }
        }
        Ok(balance)
    }

    fn is_cumulative(&self) -> bool {
        self.terms.rounding.family == RoundingFamily::Cumulative
    }

    /// Interest that lines so far did not ask for.
    fn put_off_interest(&self) -> Result<Decimal, ServicingError> {
        Ok(add(self.put_off.carried, self.put_off.deferred)?)
    }

    pub(super) fn is_repaid(&self) -> bool {
        self.repaid >= self.lent && self.tranches.is_empty()
    }

    /// Lays the line of a period.
    pub(super) fn lay(
        &mut self,
        index: usize,
        period: &PlannedPeriod,
        count: usize,
    ) -> Result<(), ServicingError> {
        let (start, due) = (period.span.start, period.span.due);
        let lent = self.lent;
        let within = self.happens(index, start, due)?;
        if self.amortisation.starts_anew(index) || (!self.is_cumulative() && self.lent > lent) {
            self.amount = self.amortisation.solve_from(index, self.to_repay()?)?;
        }
        let owed = sub(self.lent, self.repaid)?;
        let (on, principal, interest, carried_over) = match within.paid_off {
            Some((on, interest)) => (on, owed, interest, Decimal::ZERO),
            None => {
                let changes = within.changes.clone();
                let accrued = self.amortisation.interest(index, within.opening, changes)?;
                let mut state = State { balance: owed, ..self.put_off };
                let line = self.amortisation.lay(index, &mut state, self.amount, accrued)?;
                self.put_off = state;
                let last = index + 1 == count;
                let principal = if last {
                    owed
                } else {
                    self.spared(index, line.principal, within.early.min(owed), count)?
                };
                (period.due, principal.min(owed), line.interest, line.carried_over)
            }
        };
        let asked = Amounts { principal, interest, ..Amounts::ZERO };
        let held = sub(self.back, self.back_owed)?;
        self.push(LineKind::Instalment, start, on, asked)?;
        if let Some(line) = self.loan.lines.last_mut() {
            line.carried_over = carried_over;
        }
        let unused = self.pay_when_due(on, add(add(within.early, within.at_due)?, held)?)?;
        let beyond = unused.min(sub(owed, principal)?);
        self.held = add(self.held, sub(unused, beyond)?)?;
        self.repaid = add(self.repaid, add(principal, beyond)?)?;
        if beyond > Decimal::ZERO {
            if let Some(line) = self.loan.lines.last_mut() {
                line.charged.add(Component::Principal, beyond)?;
                line.paid.add(Component::Principal, beyond)?;
            }
            self.use_credit(beyond, index + 1, count)?;
        }
        self.overdue = if on < self.today { self.unpaid()? } else { Decimal::ZERO };
        Ok(())
    }

    /// Takes what is lent and paid within a period, before its line is due.
    fn happens(
        &mut self,
        index: usize,
        start: NaiveDate,
        due: NaiveDate,
    ) -> Result<Within, ServicingError> {
        let opening = add(sub(self.lent, self.repaid)?, self.overdue)?;
        let mut within = Within { opening, ..Within::default() };
        loop {
            let within_period = |on| on < due || (on == due && self.is_cumulative());
            let lends = self.tranches.front().map(|one| one.on).filter(|&on| within_period(on));
            let pays = self.payments.front().filter(|one| one.on < due).map(|one| one.on);
            match (lends, pays) {
                (Some(on), pays) if pays.is_none_or(|paid| on <= paid) => {
                    self.lend(start, &mut within)?;
                }
                (_, Some(_)) => {
                    let Some(payment) = self.payments.pop_front() else { break };
                    self.pay_before_due(payment, index, due, &mut within)?;
                    if within.paid_off.is_some() {
                        return Ok(within);
                    }
                }
                _ => break,
            }
        }
        if start < self.today && self.today < due && !self.overdue.is_zero() {
            let amount = sub(Decimal::ZERO, self.overdue)?;
            within.changes.push(Tranche { on: self.today, amount });
        }
        Ok(within)
    }

    /// Lends the next tranche.
    fn lend(&mut self, start: NaiveDate, within: &mut Within) -> Result<(), ServicingError> {
        let first = self.lent.is_zero();
        let Some(tranche) = self.tranches.pop_front() else { return Ok(()) };
        let Disbursement { on, amount, .. } = tranche;
        let down = down_payment_on(self.terms, &tranche, first)?;
        if down > Decimal::ZERO {
            self.push(LineKind::DownPayment, on, on, Amounts::of(Component::Principal, down))?;
        }
        let net = sub(amount, down)?;
        self.lent = add(self.lent, net)?;
        // Money that is held repays it at once.
        let used = self.held.min(net);
        self.held = sub(self.held, used)?;
        within.early = add(within.early, used)?;
        let lent = sub(net, used)?;
        if on > start {
            within.changes.push(Tranche { on, amount: lent });
        } else {
            within.opening = add(within.opening, lent)?;
        }
        Ok(())
    }

    /// Pays lines past due; what is left lowers the balance.
    fn pay_before_due(
        &mut self,
        mut payment: Transaction,
        index: usize,
        due: NaiveDate,
        within: &mut Within,
    ) -> Result<(), ServicingError> {
        let from = self.counts_from(payment.on);
        if payment.kind == TransactionKind::Chargeback {
            return self.charge_back(payment.amount);
        }
        let (left, late) = self.pay(&mut payment)?;
        // What was charged back bears no interest, and paying it saves none.
        let back = left.min(self.back_owed);
        self.back_owed = sub(self.back_owed, back)?;
        let left = sub(left, back)?;
        if from >= due {
            within.at_due = add(within.at_due, left)?;
            return Ok(());
        }
        if late > Decimal::ZERO {
            self.overdue = sub(self.overdue, late)?;
            within.changes.push(Tranche { on: from, amount: sub(Decimal::ZERO, late)? });
        }
        if left <= Decimal::ZERO {
            return Ok(());
        }
        let owed = sub(sub(self.lent, self.repaid)?, within.early)?.max(Decimal::ZERO);
        let to_payoff =
            self.loan.terms.servicing.recalculation.payoff == PayoffInterest::ToPayoffDate;
        if to_payoff && owed <= left && self.tranches.is_empty() {
            if self.pays_last_line(index, due, left, within)? {
                within.at_due = add(within.at_due, left)?;
                return Ok(());
            }
            let interest = self.interest_until(index, from, within)?;
            if add(add(owed, interest)?, self.put_off_interest()?)? <= left {
                within.paid_off = Some((payment.on, interest));
                within.early = add(within.early, left)?;
                return Ok(());
            }
        }
        let early = left.min(owed);
        within.early = add(within.early, left)?;
        within.changes.push(Tranche { on: from, amount: sub(Decimal::ZERO, early)? });
        Ok(())
    }

    /// Asks for an amount again with the next line. Money that is held pays for it.
    fn charge_back(&mut self, amount: Decimal) -> Result<(), ServicingError> {
        let used = self.held.min(amount);
        self.held = sub(self.held, used)?;
        self.back = add(self.back, amount)?;
        self.back_owed = add(self.back_owed, sub(amount, used)?)?;
        Ok(())
    }

    /// Whether an amount is exactly what the last line will ask for. It pays the line as agreed, and
    /// what it pays of interest is not given back.
    fn pays_last_line(
        &mut self,
        index: usize,
        due: NaiveDate,
        amount: Decimal,
        within: &Within,
    ) -> Result<bool, ServicingError> {
        if due != self.end || !within.early.is_zero() || !within.at_due.is_zero() {
            return Ok(false);
        }
        let owed = sub(self.lent, self.repaid)?;
        let interest = self.interest_until(index, due, within)?;
        Ok(add(add(owed, interest)?, self.put_off_interest()?)? == amount)
    }

    /// The principal of a line that is not the last: what it asks for without what was repaid
    /// already, and at least what was paid early.
    fn spared(
        &mut self,
        index: usize,
        asked: Decimal,
        early: Decimal,
        count: usize,
    ) -> Result<Decimal, ServicingError> {
        let used = self.credit.min(asked).max(Decimal::ZERO);
        self.credit = sub(self.credit, used)?;
        let principal = sub(asked, used)?;
        let excess = sub(early, principal)?;
        if early.is_zero() || excess <= Decimal::ZERO {
            return Ok(principal);
        }
        self.repaid = add(self.repaid, early)?;
        self.use_credit(excess, index + 1, count)?;
        self.repaid = sub(self.repaid, early)?;
        Ok(early)
    }

    /// Lets principal repaid beyond its line change what the terms say it does.
    fn use_credit(
        &mut self,
        amount: Decimal,
        next: usize,
        count: usize,
    ) -> Result<(), ServicingError> {
        match self.loan.terms.servicing.recalculation.prepayment {
            PrepaymentEffect::NextDue => self.credit = add(self.credit, amount)?,
            PrepaymentEffect::Instalment => {
                let left = self.to_repay()?;
                if left > Decimal::ZERO && next < count {
                    self.amount = self.amortisation.solve_from(next, left)?;
                }
            }
            PrepaymentEffect::InstalmentCount | PrepaymentEffect::LastInstalment => {}
        }
        Ok(())
    }

    /// The interest of a period until a day in it.
    fn interest_until(
        &mut self,
        index: usize,
        until: NaiveDate,
        within: &Within,
    ) -> Result<Decimal, ServicingError> {
        let mut changes = within.changes.clone();
        changes.retain(|change| change.on < until);
        let balance = changes.iter().try_fold(within.opening, |sum, one| add(sum, one.amount))?;
        changes.push(Tranche { on: until, amount: sub(Decimal::ZERO, balance)? });
        Ok(self.amortisation.interest(index, within.opening, changes)?)
    }

    /// Pays the lines so far with a payment. Returns what is left, and how much of it was principal
    /// past due.
    fn pay(&mut self, payment: &mut Transaction) -> Result<(Decimal, Decimal), ServicingError> {
        (payment.portions, payment.overpaid) = (Amounts::ZERO, Decimal::ZERO);
        payment.allocations.clear();
        payment.charges.clear();
        if payment.kind == TransactionKind::InterestWaiver {
            let asked = self.loan.asked_to_waive(payment);
            self.loan.waive_interest(payment)?;
            let ahead = sub(asked, payment.amount)?;
            self.forgiven = add(self.forgiven, ahead)?;
            return Ok((Decimal::ZERO, Decimal::ZERO));
        }
        let before = self.unpaid()?;
        let rule = self.loan.rule_for(payment.kind);
        let amount = match payment.kind {
            TransactionKind::ChargePayment => self.pay_charge(payment)?,
            _ => payment.amount,
        };
        let left = self.loan.allocate(payment, amount, &rule)?;
        Ok((left, sub(before, self.unpaid()?)?))
    }

    /// What is unpaid of the principal of the instalments so far.
    fn unpaid(&self) -> Result<Decimal, ServicingError> {
        let instalments = self.loan.lines.iter().filter(|line| line.kind == LineKind::Instalment);
        let mut sum = Decimal::ZERO;
        for line in instalments {
            sum = add(sum, line.outstanding_of(Component::Principal)?)?;
        }
        Ok(sum)
    }

    /// Pays a line when it is due: with what was held until then and what is paid on the day.
    /// Returns what it did not need.
    fn pay_when_due(&mut self, on: NaiveDate, held: Decimal) -> Result<Decimal, ServicingError> {
        let mut beyond = Decimal::ZERO;
        if held > Decimal::ZERO {
            let entry = Entry { sequence: 0, on, recorded_on: on, id: None };
            let mut payment = entry.transaction(TransactionKind::Repayment, held);
            beyond = self.pay(&mut payment)?.0;
        }
        while let Some(mut payment) =
            self.payments.pop_front_if(|one| one.on <= on && one.on <= self.end)
        {
            match payment.kind {
                TransactionKind::Chargeback => self.charge_back(payment.amount)?,
                _ => beyond = add(beyond, self.pay(&mut payment)?.0)?,
            }
        }
        Ok(beyond)
    }

    /// Adds a line with the charges that are due with it.
    fn push(
        &mut self,
        kind: LineKind,
        period_start: NaiveDate,
        due_date: NaiveDate,
        charged: Amounts,
    ) -> Result<(), ServicingError> {
        let number = u32::try_from(self.loan.lines.len()).unwrap_or(u32::MAX).saturating_add(1);
        let first = !self.loan.lines.iter().any(|line| line.kind == LineKind::Instalment);
        let mut line = Line { number, kind, period_start, due_date, charged, ..Line::default() };
        if kind == LineKind::Instalment {
            line.credit(Component::Principal, std::mem::take(&mut self.back))?;
            self.back_owed = Decimal::ZERO;
            let source = self.source;
            for charge in source.charges.iter().filter(|charge| charge.active) {
                let due = match (charge.timing, charge.due_on) {
                    (ChargeTiming::AtDisbursement, _) => false,
                    (ChargeTiming::PerInstalment, _) | (_, None) => true,
                    (_, Some(on)) => {
                        on <= due_date && (period_start < on || (first && period_start == on))
                    }
                };
                if due {
                    let asked = self.asked_by(charge, Some(&line))?;
                    let asked = self.not_paid_ahead(&charge.id, asked)?;
                    line.charged.add(charge.component(), asked)?;
                }
            }
        }
        let forgiven = self.forgiven.min(line.charged.interest);
        line.waived.add(Component::Interest, forgiven)?;
        self.forgiven = sub(self.forgiven, forgiven)?;
        line.note_settlement(due_date)?;
        self.loan.lines.push(line);
        Ok(())
    }

    /// What a charge asks for with a line, or without one of those to come, as far as it can be
    /// told from the lines so far.
    fn asked_by(&self, charge: &Charge, line: Option<&Line>) -> Result<Decimal, ServicingError> {
        let per_line = charge.timing == ChargeTiming::PerInstalment;
        let lent = self.source.lent_until(charge.due_on)?;
        let asked = self.loan.price(charge, line.filter(|_| per_line), lent)?;
        let due_date = line.map_or(NaiveDate::MAX, |line| line.due_date);
        Ok(sub(asked, self.source.waived_of(charge, due_date)?)?.max(Decimal::ZERO))
    }

    /// Pays the charge that a payment is of: in its line, or ahead of it. Returns what is left.
    fn pay_charge(&mut self, payment: &Transaction) -> Result<Decimal, ServicingError> {
        let source = self.source;
        let id = source.charge_meant_by(payment.sequence);
        let meant = |charge: &&Charge| charge.active && Some(charge.id.as_str()) == id;
        let Some(charge) = source.charges.iter().find(meant) else { return Ok(payment.amount) };
        let on = charge.due_on.filter(|_| charge.timing != ChargeTiming::PerInstalment);
        let most = match on {
            Some(_) => payment.amount.min(self.asked_by(charge, None)?),
            None => payment.amount,
        };
        let regular = |line: &&mut Line| line.kind == LineKind::Instalment;
        let laid = self.loan.lines.iter_mut().filter(regular);
        let paid = match laid.into_iter().find(|line| on.is_some_and(|on| on <= line.due_date)) {
            Some(line) => line.pay(charge.component(), most, payment.on)?,
            None => {
                self.charges_paid.push((&charge.id, most));
                most
            }
        };
        Ok(sub(payment.amount, paid)?)
    }

    /// What of an amount that a charge asks for was not paid ahead.
    fn not_paid_ahead(&mut self, id: &str, asked: Decimal) -> Result<Decimal, ServicingError> {
        let mut left = asked;
        for (_, paid) in self.charges_paid.iter_mut().filter(|one| one.0 == id) {
            let used = left.min(*paid);
            *paid = sub(*paid, used)?;
            left = sub(left, used)?;
        }
        Ok(left)
    }

    /// Asks with the last line for interest that lines before it did not ask for.
    pub(super) fn ask_for_the_rest(&mut self) -> Result<(), ServicingError> {
        let rest = self.put_off_interest()?;
        if let Some(line) = self.loan.lines.last_mut() {
            line.charged.add(Component::Interest, rest)?;
            line.carried_over = add(line.carried_over, rest)?;
        }
        Ok(())
    }

    /// Lays lines of interest alone for as long as principal is past due after the last period.
    pub(super) fn lay_after_the_end(&mut self) -> Result<(), ServicingError> {
        let mut from = self.end;
        while self.overdue > Decimal::ZERO && from < self.today {
            let payment = self.payments.pop_front();
            let until = payment.as_ref().map_or(self.today, |one| one.on.min(self.today));
            if from < until {
                let interest = self.amortisation.interest_after(from, until, self.overdue)?;
                let charged = Amounts::of(Component::Interest, interest);
                self.push(LineKind::Instalment, from, until, charged)?;
                from = until;
            }
            if let Some(mut payment) = payment {
                if payment.kind == TransactionKind::Chargeback {
                    self.charge_back(payment.amount)?;
                    continue;
                }
                let late = self.pay(&mut payment)?.1;
                self.overdue = sub(self.overdue, late)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The lines, nothing paid of any and nothing charged back.
    pub(super) fn into_lines(self) -> Result<Vec<Line>, ServicingError> {
        let settled_on = self.terms.disbursed_on;
        let fresh = |line: Line| {
            let charged = Amounts {
                principal: sub(line.charged.principal, line.credited.principal)?,
                interest: line.charged.interest,
                ..Amounts::ZERO
            };
            let settled_on = charged.is_zero().then_some(settled_on);
            let (number, kind, carried_over) = (line.number, line.kind, line.carried_over);
            let (period_start, due_date) = (line.period_start, line.due_date);
            Ok(Line {
                number,
                kind,
                period_start,
                due_date,
                charged,
                carried_over,
                settled_on,
                ..Line::default()
            })
        };
        self.loan.lines.into_iter().map(fresh).collect()
    }
}
