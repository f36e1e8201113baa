//! Periods, their segments, and the one pass that computes balances and interest.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::ProgressiveModel;
use crate::domain::decimal::{self, ArithmeticError};
use crate::domain::loan::ScheduleError;
use crate::domain::loan::basis::{Charge, Factors, Span};
use crate::domain::loan::context::Context;
use crate::domain::loan::kernel::{FixedFactor, Rounder};

/// A period with its instalment. Amounts are minor units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Period {
    pub(super) start: NaiveDate,
    pub(super) due: NaiveDate,
    /// Its length in units of the frequency.
    pub(super) units: Decimal,
    /// The index of its first segment.
    pub(super) first: u32,
    /// Whether the instalment is of interest only.
    pub(super) interest_only: bool,
    /// Whether its interest is asked for with the next instalment.
    pub(super) put_off: bool,
    /// Whether its instalment was solved with the interest that it puts off.
    pub(super) with_interest: bool,
    /// The instalment without what was charged back.
    pub(super) instalment: i128,
    /// The instalment as solved, before the last one took the difference or a payment ahead of
    /// time changed it.
    pub(super) solved: i128,
    pub(super) paid_principal: i128,
    pub(super) paid_interest: i128,
    /// Interest that was paid with an instalment that is agreed no more: it counts from this period
    /// on.
    pub(super) prepaid_interest: i128,
    /// Amounts charged back within the period: they are due with its instalment.
    pub(super) charged_back_principal: i128,
    pub(super) charged_back_interest: i128,
    /// Interest that the instalment before puts off.
    pub(super) taken_over: i128,
    /// Interest that instalments before did not cover.
    brought: i128,
    /// What is left of interest paid with instalments that are agreed no more, for later periods.
    pub(super) prepaid_left: i128,
    /// Interest of the period with what earlier instalments did not cover or put off.
    pub(super) accrued: i128,
    /// Balance after the period, as if it were paid on its due date.
    pub(super) closing: i128,
}

/// A stretch of a period over which the balance is constant. Amounts are minor units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) from: NaiveDate,
    pub(super) until: NaiveDate,
    /// Lent at its end.
    pub(super) disbursed: i128,
    /// Other changes of the balance at its end.
    pub(super) corrected: i128,
    /// Charged back at its start.
    pub(super) charged_back_principal: i128,
    pub(super) charged_back_interest: i128,
    /// Whether it bears no interest.
    pub(super) paused: bool,
    /// Balance at its start.
    pub(super) balance: i128,
    /// Its part in the factor from which instalments are solved.
    pub(super) factor: Decimal,
    /// What it bears.
    pub(super) charge: Charge,
    /// The factor of `charge` as a binary fraction, where it is at hand: interest of most balances
    /// is certain from it, at a tenth of the cost of the decimal product.
    pub(super) fixed: Option<FixedFactor>,
}

impl Period {
    pub(super) fn new(span: &Span, number: u32, interest_only: bool) -> Self {
        Self {
            start: span.start,
            due: span.due,
            units: span.units,
            first: number,
            interest_only,
            put_off: false,
            with_interest: false,
            instalment: 0,
            solved: 0,
            paid_principal: 0,
            paid_interest: 0,
            prepaid_interest: 0,
            charged_back_principal: 0,
            charged_back_interest: 0,
            taken_over: 0,
            brought: 0,
            prepaid_left: 0,
            accrued: 0,
            closing: 0,
        }
    }

    pub(super) fn span(&self) -> Span {
        Span { start: self.start, due: self.due, units: self.units }
    }

    pub(super) fn charged_back(&self) -> i128 {
        self.charged_back_principal + self.charged_back_interest
    }

    /// The instalment with what was charged back and with interest that was put off until now. One
    /// that puts its interest off is of principal, beside which only interest counts that was paid.
    pub(super) fn payable(&self) -> i128 {
        if self.put_off {
            self.instalment + self.charged_back_principal + self.paid_interest
        } else {
            self.instalment + self.charged_back() + self.taken_over
        }
    }

    /// Everything that is payable beside the instalment.
    pub(super) fn beside(&self) -> i128 {
        self.payable() - self.instalment
    }

    /// What was paid, without what is of instalments before it or none of this one.
    pub(super) fn paid_of_instalment(&self) -> i128 {
        if self.put_off { self.paid_principal } else { self.paid() - self.taken_over }
    }

    pub(super) fn paid(&self) -> i128 {
        self.paid_principal + self.paid_interest
    }

    pub(super) fn fully_paid(&self) -> bool {
        self.payable() == self.paid()
    }

    /// Whether it is an instalment like any other, and open.
    pub(super) fn is_usual(&self) -> bool {
        !self.interest_only && !self.put_off && !self.fully_paid()
    }

    /// Interest due: what is covered, or what was paid of it where it is put off.
    pub(super) fn due_interest(&self) -> i128 {
        if self.put_off { self.paid_interest } else { self.covered_interest() }
    }

    /// What accrued as far as the instalment covers it, and never less than was paid. Once more
    /// principal was paid than is due, no more interest is covered than was paid or put off until it.
    /// An instalment of interest only covers all of it, and so does one that puts it off.
    fn covered_interest(&self) -> i128 {
        let happened = self.paid_principal
            | self.paid_interest
            | self.charged_back_principal
            | self.charged_back_interest
            | self.taken_over;
        if self.interest_only || self.put_off {
            self.accrued.max(self.paid_interest)
        } else if happened == 0 {
            // Most periods to come.
            self.accrued.min(self.instalment).max(0)
        } else if self.paid_principal > (self.payable() - self.accrued).max(0) {
            self.paid_interest.max(self.taken_over.min(self.accrued))
        } else {
            self.accrued.min(self.payable()).max(self.paid_interest)
        }
    }

    /// Interest that it puts off. The next instalment asks for it.
    pub(super) fn handed_on(&self) -> i128 {
        self.covered_interest() - self.due_interest()
    }

    /// Principal due: the rest of the instalment, and never less than was paid.
    pub(super) fn due_principal(&self) -> i128 {
        self.due_principal_beside(self.due_interest())
    }

    /// The same where the interest due is known.
    pub(super) fn due_principal_beside(&self, interest: i128) -> i128 {
        if self.interest_only {
            return self.charged_back_principal.max(self.paid_principal);
        }
        (self.payable() - interest).max(0).max(self.paid_principal)
    }

    /// Lets an instalment that was solved with its interest be without it.
    fn take_interest_off(&mut self, interest: i128) {
        let paid = self.paid_principal - self.charged_back_principal;
        self.instalment = (self.instalment - interest).max(paid).max(0);
        (self.solved, self.with_interest) = (self.instalment, false);
    }

    /// What it asks for of interest that periods before it bore, less what it leaves to later ones.
    pub(super) fn carried_over(&self) -> i128 {
        self.due_interest() - (self.accrued - self.brought - self.taken_over)
    }

    /// Interest that accrued and is not covered yet.
    pub(super) fn carried(&self) -> i128 {
        self.accrued - self.covered_interest()
    }
}

impl Segment {
    pub(super) fn new(from: NaiveDate, until: NaiveDate) -> Self {
        Self {
            from,
            until,
            disbursed: 0,
            corrected: 0,
            charged_back_principal: 0,
            charged_back_interest: 0,
            paused: false,
            balance: 0,
            factor: Decimal::ZERO,
            charge: Charge::default(),
            fixed: None,
        }
    }

    /// Interest of the segment in minor units, not rounded to them.
    pub(super) fn interest(&self, context: Context) -> Result<Decimal, ArithmeticError> {
        let charged_back = Decimal::from(self.charged_back_interest);
        if self.is_free() {
            return Ok(charged_back);
        }
        let interest = self.charge.interest(Decimal::from(self.balance), context)?;
        Ok(context.add(charged_back, interest)?.max(Decimal::ZERO))
    }

    /// Whether nothing happens at its end.
    pub(super) fn is_quiet(&self) -> bool {
        self.disbursed == 0 && self.corrected == 0
    }

    /// Whether nothing happens at its start.
    pub(super) fn starts_quietly(&self) -> bool {
        self.charged_back_principal == 0 && self.charged_back_interest == 0
    }

    /// Whether no interest can come of it.
    fn is_free(&self) -> bool {
        self.paused || self.balance == 0 || self.charge.is_free()
    }

    /// The interest in whole minor units, where the segment is all there is of its period and no
    /// rounding on the way matters.
    fn plain_interest(&self, context: Context, rounder: Rounder) -> Option<i128> {
        if self.charge.part != self.charge.whole || self.charged_back_interest != 0 {
            return None;
        }
        let small = u64::try_from(self.balance).ok().zip(self.fixed);
        match small.and_then(|(balance, factor)| rounder.interest(balance, factor)) {
            Some(interest) => Some(i128::from(interest)),
            None => context.certain_product(self.balance, self.charge.factor),
        }
    }

    /// Lets no interest come of it.
    pub(super) fn bear_nothing(&mut self) {
        (self.factor, self.charge, self.fixed) = (Decimal::ZERO, Charge::default(), None);
    }

    /// Sets the factors for the rate in force at its start.
    fn set_factors(
        &mut self,
        factors: &mut Factors<'_>,
        span: &Span,
        annual_rate: Decimal,
    ) -> Result<(), ScheduleError> {
        let borne = factors.borne(annual_rate, span, self.from, self.until)?;
        (self.charge, self.fixed, self.factor) = (borne.charge, borne.fixed, borne.factor);
        Ok(())
    }
}

impl ProgressiveModel {
    /// Computes the factors of all segments from a period on.
    pub(super) fn refactor(&mut self, from: usize) -> Result<(), ScheduleError> {
        let last = self.periods.len();
        self.refactor_range(from..last)
    }

    /// Computes the factors of the segments of some periods.
    pub(super) fn refactor_range(
        &mut self,
        range: std::ops::Range<usize>,
    ) -> Result<(), ScheduleError> {
        self.refactor_with(&mut Factors::new(self.basis()), range)
    }

    /// The same with factors at hand.
    pub(super) fn refactor_with(
        &mut self,
        factors: &mut Factors<'_>,
        range: std::ops::Range<usize>,
    ) -> Result<(), ScheduleError> {
        for index in range {
            let Some(span) = self.periods.get(index).map(Period::span) else { continue };
            for at in self.segments_of(index) {
                let Some(from) = self.segments.get(at).map(|segment| segment.from) else {
                    continue;
                };
                let annual_rate = self.rate_on(from);
                if let Some(segment) = self.segments.get_mut(at) {
                    segment.set_factors(factors, &span, annual_rate)?;
                }
            }
        }
        Ok(())
    }

    /// Computes balances and interest from a period on: the one pass everything rests on.
    pub(super) fn refresh(&mut self, from: usize) -> Result<(), ScheduleError> {
        let end = self.periods.len();
        self.refresh_range(from..end)
    }

    /// The same where nothing but `changed` periods changed: it goes on after them for as long as
    /// what one hands to the next is something else than before.
    pub(super) fn refresh_changed(
        &mut self,
        changed: std::ops::RangeInclusive<usize>,
    ) -> Result<(), ScheduleError> {
        let end = self.periods.len();
        self.refresh_some(*changed.start()..end, *changed.end())
    }

    /// The same for some periods.
    pub(super) fn refresh_range(
        &mut self,
        range: std::ops::Range<usize>,
    ) -> Result<(), ScheduleError> {
        let end = range.end;
        self.refresh_some(range, end)
    }

    /// The same for some periods; after `last` it stops where nothing changes any more.
    fn refresh_some(
        &mut self,
        range: std::ops::Range<usize>,
        last: usize,
    ) -> Result<(), ScheduleError> {
        let first = range.start;
        let context = self.rules.context();
        let rounder = Rounder::new(context.mode(), context.digits());
        let before = range.start.checked_sub(1).and_then(|before| self.periods.get(before));
        let (mut balance, mut carried, mut put_off, mut prepaid) = before
            .map_or((0, 0, 0, 0), |before| {
                (before.closing, before.carried(), before.handed_on(), before.prepaid_left)
            });
        let mut end = first;
        for index in range {
            let within = self.segments_of(index);
            let segments = self.segments.get_mut(within).unwrap_or_default();
            let interest = run(segments, &mut balance, context, rounder)?;
            let Some(period) = self.periods.get_mut(index) else { continue };
            let before = (period.closing, period.prepaid_left);
            (period.charged_back_principal, period.charged_back_interest) = (0, 0);
            for segment in segments.iter() {
                period.charged_back_principal += segment.charged_back_principal;
                period.charged_back_interest += segment.charged_back_interest;
            }
            (period.brought, period.taken_over) = (carried, put_off);
            prepaid += period.prepaid_interest;
            let accrued = interest + carried + put_off;
            period.accrued = (accrued - prepaid).max(0);
            prepaid = (prepaid - accrued).max(0);
            period.prepaid_left = prepaid;
            if period.with_interest {
                period.take_interest_off(interest - period.charged_back_interest);
            }
            if period.interest_only {
                let due = period.due_interest() + period.due_principal();
                period.instalment = due - period.beside();
                period.solved = period.instalment;
            }
            let covered = period.covered_interest();
            let interest = if period.put_off { period.paid_interest } else { covered };
            let principal = period.due_principal_beside(interest);
            balance = (balance - principal + period.paid_principal).max(0);
            period.closing = balance;
            (carried, put_off) = (period.accrued - covered, covered - interest);
            end = index + 1;
            let next = self.periods.get(index + 1);
            let known =
                || next.is_none_or(|next| (next.brought, next.taken_over) == (carried, put_off));
            if index >= last && (balance, prepaid) == before && known() {
                break;
            }
        }
        if first < end {
            self.touched.add(first..end);
        }
        Ok(())
    }
}

/// Runs a balance through the segments of a period and returns their interest, rounded once.
fn run(
    segments: &mut [Segment],
    balance: &mut i128,
    context: Context,
    rounder: Rounder,
) -> Result<i128, ArithmeticError> {
    let (mut bearing, mut last) = (0, 0);
    for (at, segment) in segments.iter_mut().enumerate() {
        segment.balance = (*balance).max(0);
        *balance = segment.balance + segment.corrected + segment.disbursed;
        if !segment.is_free() || segment.charged_back_interest != 0 {
            bearing += 1;
            last = at;
        }
    }
    if bearing == 0 {
        return Ok(0);
    }
    let only = segments.get(last).filter(|_| bearing == 1);
    if let Some(interest) = only.and_then(|segment| segment.plain_interest(context, rounder)) {
        return Ok(interest);
    }
    let mut sum = Decimal::ZERO;
    for segment in segments {
        sum = decimal::add(sum, segment.interest(context)?)?;
    }
    context.minor(sum, 0)
}
