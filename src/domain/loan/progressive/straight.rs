//! How interest grows by the day within a period, without a look at each day.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::ProgressiveModel;
use super::period::{Period, Segment};
use crate::domain::calendar::DayCount;
use crate::domain::decimal::{add, div, mul};
use crate::domain::loan::ScheduleError;
use crate::domain::loan::basis::{Charge, Factors, Span, days};
use crate::domain::loan::straight::Course;

/// Interest of a period from a day on, for as long as it grows evenly.
pub(crate) struct Growing<'a> {
    model: &'a ProgressiveModel,
    period: &'a Period,
    segment: &'a Segment,
    /// Interest of the segments before, in minor units, not rounded to them.
    before: Decimal,
    /// What earlier instalments did not cover, in minor units.
    carried: i128,
    from: NaiveDate,
}

impl ProgressiveModel {
    /// How the interest that [`Self::interest_until`] tells within the period due on `due` grows
    /// from a day of it on; nothing where it does not grow evenly, or not for certain.
    ///
    /// The start of the period belongs to it where nothing is carried into it: it is its day
    /// without interest.
    pub(crate) fn growing(
        &self,
        due: NaiveDate,
        from: NaiveDate,
    ) -> Result<Option<Growing<'_>>, ScheduleError> {
        let Ok(index) = self.due_on(due) else { return Ok(None) };
        let Some(period) = self.periods.get(index) else { return Ok(None) };
        let before = index.checked_sub(1).and_then(|before| self.periods.get(before));
        let carried = before.map_or(0, |before| before.carried() + before.handed_on());
        let segments = self.segments.get(self.segments_of(index)).unwrap_or_default();
        let quiet = segments.iter().all(|one| one.charged_back_interest == 0)
            && period.prepaid_interest == 0
            && before.is_none_or(|before| before.prepaid_left == 0);
        let inside = period.start <= from && from <= due;
        let starts_clean = from > period.start || carried == 0;
        if !inside || !quiet || !starts_clean || carried < 0 || !self.is_kept_before(index) {
            return Ok(None);
        }
        let reached = |one: &&Segment| one.from <= from && from < one.until;
        let reached = segments.iter().find(reached);
        let Some(segment) = reached.or(segments.iter().rfind(|one| one.from < one.until)) else {
            return Ok(None);
        };
        let context = self.rules.context();
        let mut sum = Decimal::ZERO;
        for one in segments.iter().filter(|one| one.until <= segment.from) {
            sum = add(sum, one.interest(context)?)?;
        }
        if !self.grows_evenly(segment) {
            return Ok(None);
        }
        Ok(Some(Growing { model: self, period, segment, before: sum, carried, from }))
    }

    /// Whether what is known on a day within a period leaves the periods before it as they are.
    /// The last open instalment takes what interest is not known yet, the one before it what that
    /// cannot take; they take it all from the period on, or no earlier one is open.
    fn is_kept_before(&self, index: usize) -> bool {
        let open = |period: &&Period| !period.fully_paid() && !period.interest_only;
        let (earlier, later) = self.periods.split_at_checked(index).unwrap_or((&self.periods, &[]));
        if !earlier.iter().any(|period| open(&period)) {
            return true;
        }
        let (mut any, mut room, mut unknown) = (false, 0, 0);
        for period in later {
            unknown += period.due_interest();
            if open(&period) {
                any = true;
                room += period.payable() - period.paid();
            }
        }
        let after = self.segments.get(self.segments_of(index).start..).unwrap_or_default();
        let lent: i128 = after.iter().map(|segment| segment.disbursed.max(0)).sum();
        any && room >= unknown + lent
    }

    /// Whether every day adds the same in a segment: whether there is a year of so many days.
    fn grows_evenly(&self, segment: &Segment) -> bool {
        let day_count = self.rules.interest.day_count;
        bears_nothing(segment) || day_count.is_none_or(|one| year_of(one).is_some())
    }

    /// What a day adds in a segment, in minor units, and how far the interest up to a day may be
    /// from so many times that.
    fn growth(
        &self,
        period: &Period,
        segment: &Segment,
    ) -> Result<(Decimal, Decimal), ScheduleError> {
        let context = self.rules.context();
        let length = Decimal::from(days(segment.from, segment.until));
        if bears_nothing(segment) {
            return Ok((Decimal::ZERO, Decimal::ZERO));
        }
        let balance = Decimal::from(segment.balance);
        let digit = Decimal::new(1, context.digits().saturating_sub(1));
        let Some(year) = self.rules.interest.day_count.and_then(year_of) else {
            let a_day = context.div(
                context.mul(balance, segment.charge.factor)?,
                Decimal::from(segment.charge.whole),
            )?;
            debug_assert_eq!(segment.charge.whole, days(segment.from, period.due));
            return Ok((a_day, mul(mul(a_day, length)?, digit)?));
        };
        let rate = context.round(self.rate_on(segment.from))?;
        let a_day = div(mul(balance, rate)?, year)?;
        let rounded = mul(add(mul(a_day, length)?, balance)?, digit)?;
        Ok((a_day, mul(rounded, Decimal::from(4))?))
    }
}

fn bears_nothing(segment: &Segment) -> bool {
    segment.paused || segment.balance == 0 || segment.charge.is_free()
}

/// The days of a year, where a standard counts actual days over the same number every year.
fn year_of(day_count: DayCount) -> Option<Decimal> {
    Some(match day_count {
        DayCount::Act360 => Decimal::from(360),
        DayCount::Act364 => Decimal::from(364),
        DayCount::Act365Fixed => Decimal::from(365),
        DayCount::Act366 => Decimal::from(366),
        DayCount::Act336 => Decimal::from(336),
        DayCount::Act36525 => Decimal::new(36_525, 2),
        _ => return None,
    })
}

impl Growing<'_> {
    /// How it grows, in currency units.
    pub(crate) fn course(&self) -> Result<Course, ScheduleError> {
        let (model, segment) = (self.model, self.segment);
        let (per_day, error) = model.growth(self.period, segment)?;
        let unit = super::amount(1, model.rules.rounding.minor_units)?;
        let part = Decimal::from(days(segment.from, self.from));
        let start = add(add(self.before, Decimal::from(self.carried))?, mul(per_day, part)?)?;
        Ok(Course {
            start: mul(start, unit)?,
            per_day: mul(per_day, unit)?,
            last: days(self.from, segment.until),
            error: mul(error, unit)?,
        })
    }

    /// The interest up to so many days after the first, in currency units.
    pub(crate) fn interest(&self, after: i64) -> Result<Decimal, ScheduleError> {
        let context = self.model.rules.context();
        let until = crate::domain::calendar::add_days(self.from, after)?;
        let (charge, part) = (self.segment.charge, days(self.segment.from, until));
        let charge = match self.model.rules.interest.day_count {
            None => Charge { part, ..charge },
            Some(_) => self.charge_until(&self.period.span(), until)?,
        };
        let mut sum = self.before;
        if !self.segment.paused {
            sum = add(sum, charge.interest(Decimal::from(self.segment.balance), context)?)?;
        }
        self.model.money((context.minor(sum, 0)? + self.carried).max(0))
    }

    /// What the segment bears up to a day of it, by a standard that counts any two dates.
    fn charge_until(&self, span: &Span, until: NaiveDate) -> Result<Charge, ScheduleError> {
        let rate = self.model.rate_on(self.segment.from);
        Factors::new(self.model.basis()).charge(rate, span, self.segment.from, until)
    }
}
