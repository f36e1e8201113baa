//! Interest earned as a straight line of the days to come.
//!
//! Of a loan's lines one at most earns interest by the day; those before it have earned what they
//! ask for, those after it nothing yet. So what is earned in all is a constant and the course of
//! that one line.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::interest::Waivers;
use crate::domain::calendar::add_days;
use crate::domain::decimal::{Total, add, div, mul, sub};
use crate::domain::loan::ScheduleError;
use crate::domain::loan::basis::days;
use crate::domain::loan::progressive::Growing;
use crate::domain::loan::servicing::state::line::{Line, LineKind};
use crate::domain::loan::servicing::state::loan::Loan;
use crate::domain::loan::servicing::state::refusal::ServicingError;
use crate::domain::loan::straight::{Course, Line as Straight};
use crate::domain::loan::terms::RoundingFamily;

/// Interest earned from a day on. Amounts are in currency units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterestLine {
    /// Earned up to the day, what was forgiven taken off.
    pub(crate) earned: Decimal,
    /// The same, not rounded.
    pub(crate) base: Decimal,
    /// What each day adds, not rounded.
    pub(crate) per_day: Decimal,
    /// The first day for which this does not hold; none where nothing is earned any more.
    pub(crate) until: Option<NaiveDate>,
}

/// How the interest of a line goes on from an evening of its period.
enum Growth<'a> {
    /// It is what it is until the line is due.
    None,
    /// In proportion to the days.
    ByDays,
    /// As the calculator has it.
    Modelled(Growing<'a>),
    /// Not by the same part every day.
    Unknown,
}

/// What one line has earned up to the evening that is looked at, and how that goes on.
struct Share<'a> {
    line: &'a Line,
    earned: Decimal,
    growth: Growth<'a>,
    /// What was forgiven of it.
    waived: Decimal,
}

impl<'a> Share<'a> {
    /// One that earns no more.
    fn constant(line: &'a Line, earned: Decimal) -> Self {
        Self { line, earned, growth: Growth::None, waived: Decimal::ZERO }
    }

    fn grows(&self) -> bool {
        matches!(self.growth, Growth::ByDays | Growth::Modelled(_))
    }
}

/// An evening that is looked at, and the first one that must be looked at again.
struct Watch {
    night: NaiveDate,
    until: Option<NaiveDate>,
}

impl Watch {
    /// Lets it end at an evening, if that is to come.
    fn end(&mut self, at: NaiveDate) {
        if at > self.night {
            self.until = Some(self.until.map_or(at, |until| until.min(at)));
        }
    }

    /// Lets it end with the evening after another.
    fn end_after(&mut self, last: NaiveDate) -> Result<(), ServicingError> {
        self.end(add_days(last, 1).map_err(ScheduleError::from)?);
        Ok(())
    }
}

impl Loan {
    /// The interest that [`Loan::accrued_interest`] tells for a day, and for as many days after it
    /// as a straight line tells it.
    pub(crate) fn interest_line(&self, on: NaiveDate) -> Result<InterestLine, ServicingError> {
        let constant =
            |earned| InterestLine { earned, base: earned, per_day: Decimal::ZERO, until: None };
        let Some(end) = self.end_of_lines().filter(|_| self.is_lent()) else {
            return Ok(constant(Decimal::ZERO));
        };
        let dawn = i64::from(self.is_progressive() && self.earns_at_dawn());
        let night = add_days(on.min(end), dawn).map_err(ScheduleError::from)?;
        let mut watch = Watch { night, until: None };
        let met = self.is_met() && self.met_on() <= on;
        let (mut sum, mut going) = (Total::new(self.terms.schedule.rounding.minor_units), None);
        let mut waivers = Waivers::default();
        for line in &self.lines {
            let is_plain = line.is_plain() && line.carried_over.is_zero();
            if !met && line.due_date < night && line.is_modelled() && is_plain {
                // Most lines are over, or to come.
                sum.add(&line.charged.interest.max(Decimal::ZERO))?;
                continue;
            }
            if line.is_forgiven_for_others() {
                return self.line_of_a_day(on, end);
            }
            let share = if met {
                self.share_when_met(line, &mut watch, &mut waivers)?
            } else {
                self.share(line, &mut watch, &mut waivers)?
            };
            let Some(share) = share else { continue };
            if share.grows() && going.is_none() {
                going = Some(share);
                continue;
            }
            if share.grows() || matches!(share.growth, Growth::Unknown) {
                // Two that grow are rounded each by itself.
                watch.end_after(night)?;
            }
            sum.add(&share.earned)?;
        }
        let sum = sum.amount()?;
        if on >= end {
            let last = going.map_or(Decimal::ZERO, |share| share.earned);
            return Ok(constant(add(sum, last)?));
        }
        let Some(share) = going else {
            let mut line = constant(sum);
            line.until = day_of(watch.until, dawn)?;
            return Ok(line);
        };
        let line = self.fitted(sum, &share, &mut watch)?;
        let until = day_of(watch.until, dawn)?;
        Ok(InterestLine {
            earned: add(sum, share.earned)?,
            base: line.base,
            per_day: line.per_day,
            until,
        })
    }

    /// The line of one day, where interest that several lines bore was forgiven with one of them.
    fn line_of_a_day(&self, on: NaiveDate, end: NaiveDate) -> Result<InterestLine, ServicingError> {
        let earned = self.accrued_interest(on)?.earned;
        let until = if on < end { on.succ_opt() } else { None };
        Ok(InterestLine { earned, base: earned, per_day: Decimal::ZERO, until })
    }

    /// All of a line that a loan which owes nothing any more earned.
    fn share_when_met<'a>(
        &self,
        line: &'a Line,
        watch: &mut Watch,
        waivers: &mut Waivers,
    ) -> Result<Option<Share<'a>>, ServicingError> {
        if line.kind == LineKind::Additional {
            return Ok(None);
        }
        let interest = line.interest_borne()?;
        self.settled_share(line, interest, watch, waivers).map(Some)
    }

    /// What a line earned that earns no more.
    fn settled_share<'a>(
        &self,
        line: &'a Line,
        interest: Decimal,
        watch: &mut Watch,
        waivers: &mut Waivers,
    ) -> Result<Share<'a>, ServicingError> {
        let waived = self.waived(line, interest, watch, waivers)?;
        let kept = if waived.is_zero() { interest } else { sub(interest, waived)? };
        Ok(Share::constant(line, if kept.is_sign_negative() { Decimal::ZERO } else { kept }))
    }

    /// What of a line's interest was forgiven by the evening.
    fn waived(
        &self,
        line: &Line,
        interest: Decimal,
        watch: &mut Watch,
        waivers: &mut Waivers,
    ) -> Result<Decimal, ServicingError> {
        if interest.is_zero() || line.waived.interest.is_zero() {
            return Ok(Decimal::ZERO);
        }
        watch.end_after(line.due_date)?;
        Ok(waivers.of(self, line, watch.night)?.0)
    }

    /// What a line earned by the evening, and how it goes on.
    fn share<'a>(
        &'a self,
        line: &'a Line,
        watch: &mut Watch,
        waivers: &mut Waivers,
    ) -> Result<Option<Share<'a>>, ServicingError> {
        if !line.is_modelled() {
            return Ok(None);
        }
        let night = watch.night;
        if night < line.period_start {
            watch.end(line.period_start);
            return Ok(None);
        }
        let whole = line.interest_borne()?;
        if line.due_date < night {
            return self.settled_share(line, whole, watch, waivers).map(Some);
        }
        let growth = self.growth(line, watch)?;
        let interest = match &growth {
            Growth::None => Decimal::ZERO,
            Growth::ByDays => self.share_of_days(line, night)?,
            Growth::Modelled(growing) => growing.interest(0)?,
            Growth::Unknown => self.interest_of(line, night)?,
        };
        let forgiven = !line.waived.interest.is_zero();
        if line.due_date == night && interest == whole && !forgiven {
            return Ok(Some(Share::constant(line, whole.max(Decimal::ZERO))));
        }
        watch.end_after(line.due_date)?;
        let waived = self.waived(line, interest, watch, waivers)?;
        let earned = sub(interest, waived)?.max(Decimal::ZERO);
        // More may be forgiven than was earned yet.
        let even = !forgiven || (interest >= waived && !interest.is_zero());
        let growth = if even { growth } else { Growth::Unknown };
        Ok(Some(Share { line, earned, growth, waived }))
    }

    /// How the interest of a line grows from the evening on.
    fn growth(&self, line: &Line, watch: &mut Watch) -> Result<Growth<'_>, ServicingError> {
        if self.terms.schedule.rounding.family == RoundingFamily::None {
            return Ok(Growth::Unknown);
        }
        let Some(model) = self.model.as_ref().filter(|model| model.has_due(line.due_date)) else {
            let pauses = self.interest_pauses();
            let paused = pauses.iter().any(|one| one.touches(line.period_start, line.due_date));
            let even = line.period_start < line.due_date
                && line.interest_borne()? >= Decimal::ZERO
                && !paused;
            return Ok(if even { Growth::ByDays } else { Growth::Unknown });
        };
        if !self.bears_interest() {
            return Ok(Growth::None);
        }
        if !self.is_as_modelled(watch)? {
            return Ok(Growth::Unknown);
        }
        let growing = model.growing(line.due_date, watch.night)?;
        Ok(growing.map_or(Growth::Unknown, Growth::Modelled))
    }

    /// Whether the calculator tells interest as it stands: nothing overdue that bears interest is
    /// still to be carried up to the evening.
    fn is_as_modelled(&self, watch: &mut Watch) -> Result<bool, ServicingError> {
        let overdue = |line: &Line| line.due_date < watch.night && !line.is_settled();
        if !self.follows_payments() || !self.lines.iter().any(overdue) {
            return Ok(true);
        }
        if let Some(carried_to) = self.carried_to.filter(|&to| watch.night <= to) {
            watch.end_after(carried_to)?;
            return Ok(true);
        }
        let spares = self.terms.servicing.recalculation.spare_overdue_principal;
        Ok(self.bare.is_none() && (spares || !self.is_recalculated()))
    }

    fn course_of_days(&self, line: &Line, night: NaiveDate) -> Result<Course, ServicingError> {
        let whole = Decimal::from(days(line.period_start, line.due_date));
        let part = Decimal::from(days(line.period_start, night));
        let borne = line.interest_borne()?;
        Ok(Course {
            start: div(mul(borne, part)?, whole)?,
            per_day: div(borne, whole)?,
            last: days(night, line.due_date),
            error: Decimal::ZERO,
        })
    }

    /// The line of everything earned, where one share grows.
    fn fitted(
        &self,
        sum: Decimal,
        share: &Share<'_>,
        watch: &mut Watch,
    ) -> Result<Straight, ServicingError> {
        let (night, line) = (watch.night, share.line);
        let mut course = match &share.growth {
            Growth::Modelled(growing) => growing.course()?,
            _ => self.course_of_days(line, night)?,
        };
        let aside = sub(sum, share.waived)?;
        course.start = add(course.start, aside)?;
        if let Some(until) = watch.until {
            course.last = course.last.min(days(night, until) - 1);
        }
        let actual = |after: i64| {
            let interest = match &share.growth {
                Growth::Modelled(growing) => growing.interest(after)?,
                _ => {
                    let day = add_days(night, after).map_err(ScheduleError::from)?;
                    self.share_of_days(line, day)?
                }
            };
            Ok::<_, ServicingError>(add(interest, aside)?)
        };
        let straight = course.line(&self.terms.schedule.rounding, actual)?;
        watch.end(add_days(night, straight.days).map_err(ScheduleError::from)?);
        Ok(straight)
    }
}

/// The day that an evening tells of.
fn day_of(night: Option<NaiveDate>, dawn: i64) -> Result<Option<NaiveDate>, ServicingError> {
    let day = night.map(|night| add_days(night, -dawn)).transpose();
    Ok(day.map_err(ScheduleError::from)?)
}
