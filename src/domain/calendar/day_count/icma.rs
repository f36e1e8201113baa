//! ACT/ACT ICMA: days measured against regular coupon periods.

use chrono::{Datelike, NaiveDate};

use super::actual::days_between;
use super::{DayCount, DayCountContext, Fraction};
use crate::domain::calendar::CalendarError;
use crate::domain::calendar::civil::{add_months, is_last_day_of_month, last_day_of_month};

/// The regular coupon dates, real and notional, that a schedule's own dates lie on.
#[derive(Clone, Copy, Debug)]
struct Grid {
    anchor: NaiveDate,
    months: i64,
    end_of_month: bool,
}

impl Grid {
    /// The regular date `steps` periods after the anchor. Always counted from the anchor, so that
    /// a short February on the way changes nothing.
    fn date(&self, steps: i64) -> Result<NaiveDate, CalendarError> {
        let date = add_months(self.anchor, steps * self.months)?;
        Ok(if self.end_of_month { last_day_of_month(date) } else { date })
    }

    /// The last step whose date is not after `date`.
    fn step_at(&self, date: NaiveDate) -> Result<i64, CalendarError> {
        let month = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month());
        let step = (month(date) - month(self.anchor)).div_euclid(self.months);
        Ok(if self.date(step)? > date { step - 1 } else { step })
    }

    /// What part of a year lies between the regular date at or before `date` and `date`, and the
    /// step of that regular date.
    fn part(&self, date: NaiveDate) -> Result<(i64, Fraction), CalendarError> {
        let step = self.step_at(date)?;
        let from = self.date(step)?;
        let days = days_between(from, date);
        if days == 0 {
            return Ok((step, Fraction::ZERO));
        }
        let length = days_between(from, self.date(step + 1)?);
        Ok((step, Fraction::new(days * self.months, length * 12)))
    }
}

/// ICMA rule 251.1(iii): for every regular period touched, the days in it over (its days times the
/// coupons a year).
pub(super) fn fraction(
    start: NaiveDate,
    end: NaiveDate,
    context: &DayCountContext<'_>,
) -> Result<Fraction, CalendarError> {
    let grid = grid(context)?;
    let (first_step, first) = grid.part(start)?;
    let (last_step, last) = grid.part(end)?;
    let whole = Fraction::new((last_step - first_step) * grid.months, 12);
    Ok(last.plus(Fraction::new(-first.numerator, first.denominator)).plus(whole))
}

/// Finds a date that is regular: the end of the period, unless the period is the schedule's last,
/// which may be a stub; then its start.
fn grid(context: &DayCountContext<'_>) -> Result<Grid, CalendarError> {
    let convention = DayCount::ActActIcma;
    let period_end =
        context.period_end.ok_or_else(|| convention.missing("the end of the coupon period"))?;
    let is_last = context.schedule_end == Some(period_end);
    let anchor = match (is_last, context.period_start) {
        (false, _) => period_end,
        (true, Some(period_start)) => period_start,
        (true, None) => return Err(convention.missing("the start of the coupon period")),
    };
    let months = match (context.frequency, context.period_start) {
        (Some(frequency), _) => frequency
            .months()
            .ok_or_else(|| convention.bad("The coupon frequency is not a number of months."))?,
        (None, Some(period_start)) => whole_months(period_start, period_end)
            .ok_or_else(|| convention.missing("the coupon frequency"))?,
        (None, None) => return Err(convention.missing("the coupon frequency")),
    };
    let end_of_month = is_last_day_of_month(anchor)
        && context.end_of_month.unwrap_or_else(|| {
            context.period_start.is_some_and(is_last_day_of_month)
                && is_last_day_of_month(period_end)
        });
    Ok(Grid { anchor, months: i64::from(months), end_of_month })
}

/// The number of months from one date to the other if it is whole, a month's last day standing
/// for any later one.
pub(super) fn whole_months(start: NaiveDate, end: NaiveDate) -> Option<u16> {
    let month = |date: NaiveDate| i64::from(date.year()) * 12 + i64::from(date.month());
    let months = month(end) - month(start);
    let regular = add_months(start, months) == Ok(end)
        || add_months(end, -months) == Ok(start)
        || (is_last_day_of_month(start) && is_last_day_of_month(end));
    u16::try_from(months).ok().filter(|&months| regular && months > 0)
}
