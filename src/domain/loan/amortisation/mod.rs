//! Amortisation of one loan instalment by instalment: every method in every rounding family.
//!
//! # The recursion
//! A balance runs from instalment to instalment. Each takes the interest of its period and, by its
//! [`Rule`], an amount; what is left after interest repays principal, and the last one takes the
//! rest. All rules of a loan follow one unknown amount (the level instalment, the part of
//! principal), which is found so that an unrounded run ends with nothing but the balloon, then
//! rounded. It is found anew when money is lent or the rate changes, knowing nothing of what comes
//! later. The cumulative family finds it once, for everything that will be lent, and the parts of
//! a flat loan from what is lent until each due date.

mod course;
mod flat;
mod laying;
mod rule;
mod solve;

use rust_decimal::Decimal;

pub(crate) use course::{Course, Money, Tranche};
pub(crate) use rule::{Pay, Rule};

use super::ScheduleError;
use super::plan::Plan;
use super::terms::{Method, NegativeAmortisation, Residue, RoundingFamily, ScheduleTerms};
use crate::domain::decimal;
use crate::domain::money::round_to_multiple;
use course::{Accrual, Outlook};

/// One instalment as computed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Line {
    pub(crate) principal: Decimal,
    pub(crate) interest: Decimal,
    /// Interest of earlier periods within `interest`, paid on top of the instalment.
    pub(crate) deferred: Decimal,
    /// What of `interest` other periods bore, less what its period bore and later lines ask for.
    pub(crate) carried_over: Decimal,
}

impl Line {
    /// Whether nothing is paid.
    fn is_empty(&self) -> bool {
        self.principal.is_zero() && self.interest.is_zero()
    }
}

/// A balance between two instalments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    pub(crate) balance: Decimal,
    /// Interest that an instalment did not cover: the next one pays it before principal.
    pub(crate) carried: Decimal,
    /// Interest that grace put off: the next instalment with interest pays it on top.
    pub(crate) deferred: Decimal,
}

/// How a run is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    /// The schedule itself: rounded, never repaying more than is owed, the last line taking the
    /// rest.
    Real,
    /// A trial for finding the unknown: unrounded, ending with whatever it ends with. Interest not
    /// covered is added to the balance, so that the end depends on the unknown in a straight line.
    Trial,
}

/// The amortisation of a loan.
pub(crate) struct Amortisation<'a> {
    terms: &'a ScheduleTerms,
    course: Course<'a>,
    money: Money,
    rules: Vec<Rule>,
    given: Option<Vec<Decimal>>,
    /// Added to the first instalment that repays principal.
    first_extra: Decimal,
}

/// The lines of a schedule and its unknown, the first where it was found several times.
pub(crate) struct Lines {
    pub(crate) lines: Vec<Line>,
    amount: Decimal,
    /// Whether the unknown is a whole instalment.
    level: bool,
}

impl Lines {
    /// The regular instalment: the level one, or the first where they differ.
    pub(crate) fn instalment(&self) -> Result<Decimal, ScheduleError> {
        if self.level {
            return Ok(self.amount);
        }
        for line in &self.lines {
            let paid = decimal::add(line.principal, line.interest)?;
            if !paid.is_zero() {
                return Ok(paid);
            }
        }
        Ok(Decimal::ZERO)
    }
}

impl<'a> Amortisation<'a> {
    pub(crate) fn new(
        terms: &'a ScheduleTerms,
        plan: &'a Plan,
        course: Course<'a>,
    ) -> Result<Self, ScheduleError> {
        let money = Money::of(terms);
        Ok(Self {
            terms,
            course,
            money,
            rules: rule::rules(terms)?,
            given: flat::given_interest(terms, plan, &money)?,
            first_extra: Decimal::ZERO,
        })
    }

    /// The whole schedule.
    pub(crate) fn run(&mut self) -> Result<Lines, ScheduleError> {
        let lines = self.lines()?;
        match self.terms.rounding.residue {
            Residue::Last => Ok(lines),
            Residue::First => self.with_residue_first(&lines),
        }
    }

    /// Moves to the first instalment what rounding leaves to the last.
    ///
    /// An amount paid early grows on its way, so it is discounted by the factors between; what
    /// cannot be moved in whole minor units stays with the last. So does more than rounding every
    /// instalment can leave: that is the terms' own difference, as of rates that change while
    /// instalments stay.
    fn with_residue_first(&mut self, lines: &Lines) -> Result<Lines, ScheduleError> {
        let pays = |rule: &Rule| matches!(rule.pay, Pay::Level { .. } | Pay::Part { .. });
        let Some(first) = self.rules.iter().position(pays) else { return self.lines() };
        let Some((end, line)) = lines.lines.iter().enumerate().next_back() else {
            return self.lines();
        };
        let Some(gap) = self.gap(lines.amount, end, line)? else { return self.lines() };
        let mut growth = Decimal::ONE;
        if matches!(self.rules.get(first).map(|rule| rule.pay), Some(Pay::Level { .. }))
            && self.given.is_none()
        {
            let outlook = self.course.outlook(first)?;
            for period in first + 1..self.course.len() {
                let factor = outlook.accrual(period).map_or(Ok(Decimal::ZERO), Accrual::factor)?;
                growth = decimal::mul(growth, decimal::add(Decimal::ONE, factor)?)?;
            }
        }
        let extra = self.money.round(decimal::div(gap, growth)?)?;
        let rounding = &self.terms.rounding;
        let unit = rounding.multiple.unwrap_or_else(|| Decimal::new(1, rounding.minor_units));
        if extra.abs() <= decimal::mul(unit, Decimal::from(self.course.len()))? {
            self.first_extra = extra;
        }
        self.lines()
    }

    fn lines(&mut self) -> Result<Lines, ScheduleError> {
        let count = self.course.len();
        let base = self.base();
        let mut state = State::default();
        let mut lines = Vec::with_capacity(count);
        let (mut amount, mut first) = (Decimal::ZERO, None);
        let (mut outlook, mut opening) = (self.course.outlook(0)?, state);
        for period in 0..count {
            let turns = period > 0 && self.turns(period, base);
            // The parts of a flat loan are counted from one period, whenever money is lent.
            if turns && (period == base || !self.parts_of_lent()) {
                (outlook, opening) = (self.course.outlook(period)?, state);
            }
            if period == 0 || period == base || (turns && self.terms.recast) {
                amount = self.unknown(&opening, &outlook, period)?;
                first = first.or(Some(amount));
            }
            if outlook.accrual(period).is_none() {
                break;
            }
            lines.push(self.real_line(period, &mut state, amount, &outlook)?);
        }
        let level = self.rules.iter().any(|rule| matches!(rule.pay, Pay::Level { .. }));
        Ok(Lines { lines, amount: first.unwrap_or_default(), level })
    }

    fn is_cumulative(&self) -> bool {
        self.terms.rounding.family == RoundingFamily::Cumulative
    }

    /// Whether each part of principal is one of what is lent until its due date, in place of what
    /// is still owed or of everything that will be lent.
    fn parts_of_lent(&self) -> bool {
        self.is_cumulative() && self.terms.method == Method::Flat
    }

    /// The period from which the unknown is found first: the cumulative family does not count the
    /// instalments before it that have amounts of their own.
    fn base(&self) -> usize {
        let own = |rule: &Rule| matches!(rule.pay, Pay::Instalment(_) | Pay::Principal(_));
        match self.is_cumulative() {
            true => self.rules.iter().position(|rule| !own(rule)).unwrap_or_default(),
            false => 0,
        }
    }

    /// Whether the amounts of the instalments from a period on are found anew: the rate changes in
    /// it or money is lent in it. The cumulative family knows from the start what will be lent.
    fn turns(&self, period: usize, base: usize) -> bool {
        if self.parts_of_lent() {
            period == base || self.course.lends(period)
        } else if self.is_cumulative() {
            period == base || self.course.rate_turns(period)
        } else {
            self.course.rate_turns(period) || self.course.lends(period)
        }
    }

    /// One line of the schedule: paused days bear nothing.
    fn real_line(
        &mut self,
        period: usize,
        state: &mut State,
        amount: Decimal,
        outlook: &Outlook,
    ) -> Result<Line, ScheduleError> {
        let Some(accrual) = outlook.accrual(period) else { return Ok(Line::default()) };
        let Some((borne, all)) = self.course.borne(period) else {
            return self.line(period, state, amount, accrual);
        };
        let mut interest = self.accrued(period, state.balance, accrual)?;
        if self.given.is_some() {
            let share = decimal::mul(interest, Decimal::from(borne))?;
            interest = self.money.round(decimal::div(share, Decimal::from(all))?)?;
        } else if let Some(paused) = self.course.paused(period, outlook.from)? {
            interest = self.accrued(period, state.balance, &paused)?;
        }
        self.step(period, state, amount, interest, accrual.lent()?, Run::Real)
    }

    /// One line of the real run.
    fn line(
        &self,
        period: usize,
        state: &mut State,
        amount: Decimal,
        accrual: &Accrual,
    ) -> Result<Line, ScheduleError> {
        let interest = self.accrued(period, state.balance, accrual)?;
        self.step(period, state, amount, interest, accrual.lent()?, Run::Real)
    }

    /// The interest of a period on the balance it opens with.
    fn accrued(
        &self,
        period: usize,
        opening: Decimal,
        accrual: &Accrual,
    ) -> Result<Decimal, ScheduleError> {
        match &self.given {
            Some(given) => Ok(given.get(period).copied().unwrap_or_default()),
            None if self.rules.get(period).is_some_and(|rule| rule.free) => Ok(Decimal::ZERO),
            None => accrual.interest(opening, &self.money),
        }
    }

    /// Takes one instalment.
    fn step(
        &self,
        period: usize,
        state: &mut State,
        amount: Decimal,
        accrued: Decimal,
        lent: Decimal,
        run: Run,
    ) -> Result<Line, ScheduleError> {
        let Some(rule) = self.rules.get(period) else { return Ok(Line::default()) };
        let last = run == Run::Real && period + 1 == self.rules.len();
        let owed = decimal::add(state.balance, lent)?;
        let due = decimal::add(accrued, std::mem::take(&mut state.carried))?;
        let (mut principal, mut interest) = match rule.pay {
            _ if last => (owed, due),
            Pay::Interest | Pay::Nothing => (Decimal::ZERO, due),
            Pay::Principal(principal) => (principal, due),
            Pay::Part { weight, shift } => (self.part(weight, shift, amount, due, run)?, due),
            Pay::Level { .. } | Pay::Instalment(_) => {
                let pay = self.pay(rule.pay, amount, run)?;
                if pay < due {
                    self.fall_short(period, state, pay, due, run)?
                } else {
                    (decimal::sub(pay, due)?, due)
                }
            }
        };
        if run == Run::Real {
            if !last && self.takes_extra(period) {
                let more = decimal::add(principal, self.first_extra)?;
                principal = more.max(principal.min(Decimal::ZERO));
            }
            principal = principal.min(owed);
        }
        let mut deferred = Decimal::ZERO;
        if rule.defers && !last {
            if self.capitalises(rule) {
                principal = decimal::sub(principal, interest)?;
            } else {
                state.deferred = decimal::add(state.deferred, interest)?;
                interest = Decimal::ZERO;
            }
        } else {
            deferred = std::mem::take(&mut state.deferred);
            interest = decimal::add(interest, deferred)?;
        }
        state.balance = decimal::sub(owed, principal)?;
        let carried_over = decimal::sub(interest, accrued)?;
        Ok(Line { principal, interest, deferred, carried_over })
    }

    /// Whether interest that a rule defers is added to the balance.
    fn capitalises(&self, rule: &Rule) -> bool {
        let by_method = self.terms.method == Method::Bullet && self.terms.interest.capitalise;
        let by_custom = rule.pay == Pay::Nothing
            && self.terms.negative_amortisation == NegativeAmortisation::Capitalise;
        by_method || by_custom || self.terms.grace.capitalise
    }

    /// Whether the first instalment that repays principal is this one.
    fn takes_extra(&self, period: usize) -> bool {
        let pays = |rule: &Rule| matches!(rule.pay, Pay::Level { .. } | Pay::Part { .. });
        !self.first_extra.is_zero() && self.rules.iter().position(pays) == Some(period)
    }

    /// The amount of an instalment.
    fn pay(&self, pay: Pay, amount: Decimal, run: Run) -> Result<Decimal, ScheduleError> {
        match pay {
            // The first amount is rounded already; those of later steps follow from it.
            Pay::Level { weight, shift } if weight == Decimal::ONE && shift.is_zero() => Ok(amount),
            Pay::Level { weight, shift } => {
                let exact = decimal::add(decimal::mul(weight, amount)?, shift)?.max(Decimal::ZERO);
                match run {
                    Run::Real => self.instalment(exact),
                    Run::Trial => Ok(exact),
                }
            }
            Pay::Instalment(agreed) => Ok(agreed),
            _ => Ok(Decimal::ZERO),
        }
    }

    /// A part of principal. Where instalments are multiples, that of a flat loan makes one of the
    /// whole instalment.
    fn part(
        &self,
        weight: Decimal,
        shift: Decimal,
        amount: Decimal,
        interest: Decimal,
        run: Run,
    ) -> Result<Decimal, ScheduleError> {
        let exact = decimal::add(decimal::mul(weight, amount)?, shift)?.max(Decimal::ZERO);
        if run != Run::Real {
            return Ok(exact);
        }
        let part = self.money.round(exact)?;
        if self.terms.method != Method::Flat || self.terms.rounding.multiple.is_none() {
            return Ok(part);
        }
        let whole = decimal::add(self.multiple(part)?, self.multiple(interest)?)?;
        Ok(decimal::sub(whole, interest)?)
    }

    /// An exact instalment rounded as agreed: at once, or first as every amount.
    fn instalment(&self, exact: Decimal) -> Result<Decimal, ScheduleError> {
        match self.terms.rounding.at_once() {
            Some(at_once) => {
                Ok(self.money.round(self.terms.rounding.round_at_once(exact, at_once)?)?)
            }
            None => self.multiple(self.money.round(exact)?),
        }
    }

    /// An instalment rounded to the agreed multiple.
    fn multiple(&self, instalment: Decimal) -> Result<Decimal, ScheduleError> {
        let rounding = &self.terms.rounding;
        match rounding.multiple {
            None => Ok(instalment),
            Some(multiple) => {
                let mode = rounding.multiple_mode.unwrap_or(rounding.mode);
                Ok(round_to_multiple(instalment, multiple, mode)?)
            }
        }
    }

    /// Principal and interest of an instalment smaller than its interest.
    fn fall_short(
        &self,
        period: usize,
        state: &mut State,
        pay: Decimal,
        due: Decimal,
        run: Run,
    ) -> Result<(Decimal, Decimal), ScheduleError> {
        let agreed = self.terms.instalment.is_some()
            || matches!(self.rules.get(period).map(|rule| rule.pay), Some(Pay::Instalment(_)));
        match self.terms.negative_amortisation {
            _ if run == Run::Trial => Ok((decimal::sub(pay, due)?, due)),
            NegativeAmortisation::Capitalise => Ok((decimal::sub(pay, due)?, due)),
            NegativeAmortisation::Refuse if agreed => Err(ScheduleError::InterestNotCovered {
                number: u32::try_from(period + 1).unwrap_or(u32::MAX),
                instalment: pay,
                interest: due,
            }),
            // A solved instalment that an odd long period outgrows carries the rest.
            NegativeAmortisation::Refuse | NegativeAmortisation::Defer => {
                state.carried = decimal::sub(due, pay)?;
                Ok((Decimal::ZERO, pay))
            }
        }
    }
}
