//! What part of the annual rate a stretch of days within a period bears.

mod known;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

use self::known::Stretch;
pub(crate) use self::known::{Borne, KnownPeriods};
use super::ScheduleError;
use super::context::Context;
use super::kernel::FixedFactor;
use super::terms::{DaysInMonth, DaysInYear, Interest, LeapDay, YearEnd};
use crate::domain::calendar::civil::{
    day_number, day_number_of, days_between, days_in_year, is_leap_year,
};
use crate::domain::calendar::{
    BusinessCalendar, CalendarError, DayCount, DayCountContext, Frequency, Recurrence, RollRule,
    year_fraction,
};
use crate::domain::decimal::{self, ArithmeticError};

/// The dates of a period and how many units of the frequency it is long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: NaiveDate,
    pub(crate) due: NaiveDate,
    /// Days, weeks, half months or months, with a fraction for an odd period.
    pub(crate) units: Decimal,
}

/// The counting of interest over stretches of periods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Basis<'a> {
    pub(crate) context: Context,
    pub(crate) interest: Interest,
    pub(crate) frequency: Frequency,
    pub(crate) whole: Whole<'a>,
}

/// What a day-count standard may ask of the loan as a whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whole<'a> {
    pub(crate) start: NaiveDate,
    pub(crate) end: NaiveDate,
    /// Whether due dates keep to month ends.
    pub(crate) end_of_month: bool,
    /// The days of business, where they are known.
    pub(crate) calendar: Option<&'a BusinessCalendar>,
}

/// Days between two dates.
pub(crate) fn days(from: NaiveDate, until: NaiveDate) -> i64 {
    i64::from(days_between(from, until))
}

/// Factors of one loan, those lately computed at hand: most of its periods look alike.
pub(crate) struct Factors<'a> {
    basis: Basis<'a>,
    seen: Vec<(Stretch, Factor)>,
    whole: KnownPeriods,
}

/// A factor with its binary fraction, where it is worth making: where many periods share it.
#[derive(Clone, Copy, Debug, Default)]
struct Factor {
    exact: Decimal,
    fixed: Option<FixedFactor>,
}

impl Factor {
    /// One that belongs to its dates alone.
    fn alone(exact: Decimal) -> Self {
        Self { exact, fixed: None }
    }
}

/// How many factors are kept at hand: the lengths of a month in two years' lengths.
const SEEN_MAX: usize = 8;

impl<'a> Factors<'a> {
    pub(crate) fn new(basis: Basis<'a>) -> Self {
        Self::with(basis, KnownPeriods::default())
    }

    /// The same with periods that are known of other loans of the same rules.
    pub(crate) fn with(basis: Basis<'a>, whole: KnownPeriods) -> Self {
        Self { basis, seen: Vec::with_capacity(SEEN_MAX), whole }
    }

    /// What was learned of whole periods.
    pub(crate) fn into_known(self) -> KnownPeriods {
        self.whole
    }

    /// The interest on one unit of balance from `from` until `until` within `span`, where the
    /// period counts for `units` of the frequency.
    pub(crate) fn factor(
        &mut self,
        annual_rate: Decimal,
        span: &Span,
        units: Decimal,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        Ok(self.find(annual_rate, span, units, from, until)?.exact)
    }

    fn find(
        &mut self,
        annual_rate: Decimal,
        span: &Span,
        units: Decimal,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Factor, ScheduleError> {
        let basis = self.basis;
        if annual_rate.is_zero() || from >= until {
            return Ok(Factor::default());
        }
        if basis.interest.day_count.is_some() || basis.crosses_year_lengths(span, from, until) {
            return Ok(Factor::alone(basis.dated_factor(annual_rate, span, from, until)?));
        }
        let stretch = Stretch {
            annual_rate,
            days: days(from, until),
            period_days: days(span.start, span.due),
            year_days: basis.days_of_year(span, from),
            units,
        };
        if let Some((_, factor)) = self.seen.iter().find(|(seen, _)| seen.is(&stretch)) {
            return Ok(*factor);
        }
        let exact = basis.plain_factor(&stretch)?;
        let fixed = FixedFactor::new(exact.mantissa(), exact.scale());
        let factor = Factor { exact, fixed };
        if self.seen.len() == SEEN_MAX {
            self.seen.clear();
        }
        self.seen.push((stretch, factor));
        Ok(factor)
    }
}

/// The interest of a stretch on a balance: balance × `factor` / `whole` × `part`, in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Charge {
    /// The factor were the stretch `whole` days long.
    pub(crate) factor: Decimal,
    /// Its days.
    pub(crate) part: i64,
    /// The days the factor is for.
    pub(crate) whole: i64,
}

impl Charge {
    /// A factor for the stretch itself.
    pub(crate) fn exactly(factor: Decimal) -> Self {
        Self { factor, part: 1, whole: 1 }
    }

    /// Whether it bears nothing.
    pub(crate) fn is_free(&self) -> bool {
        self.part == 0 || self.factor.is_zero()
    }

    /// The interest on a balance, not rounded to the minor unit.
    pub(crate) fn interest(
        &self,
        balance: Decimal,
        context: Context,
    ) -> Result<Decimal, ArithmeticError> {
        if self.is_free() || balance.is_zero() {
            return Ok(Decimal::ZERO);
        }
        let over_whole = context.mul(balance, self.factor)?;
        if self.whole == 1 && self.part == 1 {
            return Ok(over_whole);
        }
        let a_day = context.div(over_whole, Decimal::from(self.whole))?;
        context.mul(a_day, Decimal::from(self.part))
    }
}

impl Factors<'_> {
    /// What a stretch of a period bears in the progressive family: its share by days of what the
    /// rest of the period from its start on would bear. Where a day-count standard counts any two
    /// dates, what it says of the stretch itself.
    pub(crate) fn charge(
        &mut self,
        annual_rate: Decimal,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Charge, ScheduleError> {
        Ok(self.charge_with_fraction(annual_rate, span, from, until)?.0)
    }

    /// What a stretch bears, and its part in the factor from which instalments are solved.
    pub(crate) fn borne(
        &mut self,
        annual_rate: Decimal,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Borne, ScheduleError> {
        let basis = &self.basis;
        let has_dates =
            basis.interest.day_count.is_some() || basis.crosses_year_lengths(span, from, span.due);
        if from > span.start || until < span.due || has_dates {
            return self.find_borne(annual_rate, span, from, until);
        }
        // Of whole periods a few look like all of them.
        let period_days = days(from, until);
        let year_days = basis.days_of_year(span, from);
        let stretch =
            Stretch { annual_rate, days: period_days, period_days, year_days, units: span.units };
        if let Some(known) = self.whole.find(&stretch) {
            return Ok(known);
        }
        let found = self.find_borne(annual_rate, span, from, until)?;
        self.whole.keep(stretch, found);
        Ok(found)
    }

    fn find_borne(
        &mut self,
        annual_rate: Decimal,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Borne, ScheduleError> {
        // Every period counts alike where instalments are solved.
        let regular = regular_units(self.basis.frequency);
        let (charge, fixed) = self.charge_with_fraction(annual_rate, span, from, until)?;
        let factor = self.factor(annual_rate, span, regular, from, until)?;
        Ok(Borne { charge, fixed, factor })
    }

    /// The charge with the factor's binary fraction, where it is at hand.
    fn charge_with_fraction(
        &mut self,
        annual_rate: Decimal,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<(Charge, Option<FixedFactor>), ScheduleError> {
        if self.basis.interest.day_count.is_some() {
            let factor = self.factor(annual_rate, span, span.units, from, until)?;
            return Ok((Charge::exactly(factor), None));
        }
        let factor = self.find(annual_rate, span, span.units, from, span.due)?;
        let (part, whole) = (days(from, until), days(from, span.due));
        Ok((Charge { factor: factor.exact, part, whole }, factor.fixed))
    }
}

impl Basis<'_> {
    /// Days over the days of the year where months count their actual days. Where they count
    /// thirty, the period is so many months of thirty days whatever its length, and a part of it
    /// bears its share by days.
    fn plain_factor(&self, of: &Stretch) -> Result<Decimal, ScheduleError> {
        let context = self.context;
        let rate = context.round(of.annual_rate)?;
        let year = Decimal::from(of.year_days);
        let stretch = Decimal::from(of.days);
        if self.interest.days_in_month == DaysInMonth::Actual {
            return self.scaled(context.mul(rate, context.div(stretch, year)?)?);
        }
        let counted = context.mul(Decimal::from(unit_days(self.frequency)), of.units)?;
        let whole = context.mul(rate, context.div(counted, year)?)?;
        self.scaled(context.div(context.mul(whole, stretch)?, Decimal::from(of.period_days))?)
    }

    /// Where the dates themselves matter: the year fraction of a standard, or days in years of
    /// different lengths.
    fn dated_factor(
        &self,
        annual_rate: Decimal,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        let context = self.context;
        let fraction = match self.interest.day_count {
            None => self.by_years(from, until)?,
            Some(day_count) => self.standard_fraction(day_count, span, from, until)?,
        };
        self.scaled(context.mul(context.round(annual_rate)?, fraction)?)
    }

    /// The year fraction of a standard.
    pub(crate) fn standard_fraction(
        &self,
        day_count: DayCount,
        span: &Span,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        let facts = DayCountContext {
            period_start: Some(span.start),
            period_end: Some(span.due),
            schedule_start: Some(self.whole.start),
            schedule_end: Some(self.whole.end),
            frequency: Some(self.frequency),
            end_of_month: Some(self.whole.end_of_month),
            calendar: self.whole.calendar,
        };
        Ok(self.context.round(year_fraction(day_count, from, until, &facts)?)?)
    }

    /// A factor is kept to as many decimals as the context has digits.
    fn scaled(&self, factor: Decimal) -> Result<Decimal, ScheduleError> {
        Ok(self.context.fixed(factor, self.context.digits())?)
    }

    /// Whether a stretch has days in years of different lengths to be told apart.
    fn crosses_year_lengths(&self, span: &Span, from: NaiveDate, until: NaiveDate) -> bool {
        self.interest.days_in_year == DaysInYear::Actual
            && until.year() > from.year()
            && (self.interest.leap_day == LeapDay::FullYear || has_leap_day(span))
    }

    /// The days in each year over the days of that year. The year ends on 31 December or on
    /// 1 January, as [`YearEnd`] says.
    fn by_years(&self, from: NaiveDate, until: NaiveDate) -> Result<Decimal, ScheduleError> {
        let mut sum = Decimal::ZERO;
        let mut counted = day_number(from);
        for year in from.year()..=until.year() {
            let end = match self.interest.year_end {
                _ if year == until.year() => day_number(until),
                YearEnd::December31 => day_number_of(year, 12, 31),
                YearEnd::January1 => day_number_of(year + 1, 1, 1),
            };
            let part = self
                .context
                .div(Decimal::from(end - counted), Decimal::from(days_in_year(year)))?;
            sum = self.context.add(sum, part)?;
            counted = end;
        }
        Ok(sum)
    }

    /// The days of the year of a stretch that starts on `from`.
    fn days_of_year(&self, span: &Span, from: NaiveDate) -> i32 {
        match self.interest.days_in_year {
            DaysInYear::D360 => 360,
            DaysInYear::D364 => 364,
            DaysInYear::D365 => 365,
            DaysInYear::Actual => match self.interest.leap_day {
                LeapDay::Feb29PeriodOnly if !has_leap_day(span) => 365,
                _ => days_in_year(from.year()),
            },
        }
    }
}

/// Whether the 29 February of the year a period starts in lies in it, its start excluded and its
/// end included.
fn has_leap_day(span: &Span) -> bool {
    let year = span.start.year();
    let leap_day = day_number_of(year, 2, 29);
    is_leap_year(year) && day_number(span.start) < leap_day && leap_day <= day_number(span.due)
}

/// Days that one unit of a frequency counts where months have thirty.
fn unit_days(frequency: Frequency) -> i64 {
    match frequency {
        Frequency::Days(_) => 1,
        Frequency::Weeks(_) => 7,
        Frequency::SemiMonthly(_) => 15,
        Frequency::Months(_) => 30,
    }
}

/// Units of a regular period.
pub(crate) fn regular_units(frequency: Frequency) -> Decimal {
    match frequency {
        Frequency::Days(count) | Frequency::Weeks(count) | Frequency::Months(count) => {
            Decimal::from(count.get())
        }
        Frequency::SemiMonthly(_) => Decimal::ONE,
    }
}

/// Measures periods in units of a frequency.
///
/// Units are counted on the grid of dates that `seeds` start (the start of the loan, its first due
/// date); a period whose end lies on none of them is measured from its own start, the odd days
/// counting in proportion to the unit they fall into.
pub(crate) struct Measure {
    frequency: Frequency,
    unit: Frequency,
    roll: RollRule,
    grids: Vec<Grid>,
    context: Context,
}

struct Grid {
    seed: NaiveDate,
    unit: Frequency,
    dates: Recurrence,
}

impl Measure {
    pub(crate) fn new(
        frequency: Frequency,
        roll: RollRule,
        seeds: &[NaiveDate],
        context: Context,
    ) -> Result<Self, ScheduleError> {
        let unit = match frequency {
            Frequency::Days(_) => Frequency::DAILY,
            Frequency::Weeks(_) => Frequency::WEEKLY,
            Frequency::Months(_) => Frequency::MONTHLY,
            Frequency::SemiMonthly(_) => frequency,
        };
        let mut grids = Vec::with_capacity(seeds.len());
        for &seed in seeds {
            grids.push(Grid::new(seed, unit, roll)?);
        }
        Ok(Self { frequency, unit, roll, grids, context })
    }

    /// How many units the period from `start` to `due` is long.
    pub(crate) fn units(&self, start: NaiveDate, due: NaiveDate) -> Result<Decimal, ScheduleError> {
        if matches!(self.frequency, Frequency::Days(_)) {
            return Ok(Decimal::from(days(start, due)));
        }
        for grid in &self.grids {
            let end = grid.last_at(due)?;
            if grid.dates.date(end)? == due && grid.seed <= start {
                return Ok(Decimal::from(end - grid.last_at(start)?));
            }
        }
        self.between(start, due)
    }

    /// How many units lie between two dates: whole ones from the first date on, and the odd days
    /// as a share of the unit they fall into.
    pub(crate) fn between(
        &self,
        from: NaiveDate,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        if matches!(self.frequency, Frequency::Days(_)) {
            return Ok(Decimal::from(days(from, until)));
        }
        for grid in &self.grids {
            if grid.seed <= from {
                let first = grid.last_at(from)?;
                if grid.dates.date(first)? == from {
                    return self.count(&grid.dates, first, grid.last_at(until)?, until);
                }
            }
        }
        let (unit, roll) = match self.unit {
            // Given days of the month, or an n-th weekday, say nothing of a period that starts
            // on another day.
            Frequency::SemiMonthly(_) => (Frequency::SEMIMONTHLY, RollRule::SameDay),
            unit => match self.roll {
                RollRule::NthWeekday { .. } => (unit, RollRule::SameDay),
                roll => (unit, roll),
            },
        };
        let own = Grid::new(from, unit, roll)?;
        self.count(&own.dates, 0, own.last_at(until)?, until)
    }

    /// Units from one date of a series to another, and the odd days after that.
    fn count(
        &self,
        dates: &Recurrence,
        first: i64,
        last: i64,
        until: NaiveDate,
    ) -> Result<Decimal, ScheduleError> {
        let whole = Decimal::from(last - first);
        let reached = dates.date(last)?;
        let rest = days(reached, until);
        if rest == 0 {
            return Ok(whole);
        }
        let length = days(reached, dates.date(last + 1)?);
        let part = self.context.div(Decimal::from(rest), Decimal::from(length))?;
        Ok(decimal::add(whole, part)?)
    }
}

impl Grid {
    fn new(seed: NaiveDate, unit: Frequency, roll: RollRule) -> Result<Self, CalendarError> {
        Ok(Self { seed, unit, dates: Recurrence::new(seed, unit, roll)? })
    }

    /// The number of the last date that is not after `date`, for a date from the seed on.
    fn last_at(&self, date: NaiveDate) -> Result<i64, CalendarError> {
        let months = i64::from(date.year() - self.seed.year()) * 12 + i64::from(date.month0())
            - i64::from(self.seed.month0());
        // Right but for the day of the month, which the steps below settle.
        let mut number = match self.unit {
            Frequency::Days(_) => days(self.seed, date),
            Frequency::Weeks(_) => days(self.seed, date) / 7,
            Frequency::SemiMonthly(_) => months * 2,
            Frequency::Months(_) => months,
        };
        while number > 0 && self.dates.date(number)? > date {
            number -= 1;
        }
        while self.dates.date(number + 1)? <= date {
            number += 1;
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::RoundingMode;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn units(frequency: Frequency, roll: RollRule, seed: &str, start: &str, due: &str) -> String {
        let context = Context::new(12, RoundingMode::HalfEven);
        let measure = Measure::new(frequency, roll, &[date(seed)], context).unwrap();
        measure.units(date(start), date(due)).unwrap().normalize().to_string()
    }

    #[test]
    fn periods_are_measured_on_the_grid_of_the_loan() {
        let monthly =
            |seed, start, due| units(Frequency::MONTHLY, RollRule::SameDay, seed, start, due);
        assert_eq!(monthly("2024-01-01", "2024-01-01", "2024-02-01"), "1");
        assert_eq!(monthly("2024-01-31", "2024-02-29", "2024-03-31"), "1");
        assert_eq!(monthly("2024-01-01", "2024-01-01", "2024-03-01"), "2");
        // A period that returns to the grid counts the steps of the grid since its start.
        assert_eq!(monthly("2024-01-01", "2024-02-15", "2024-03-01"), "1");
        // Off the grid: two months from 1 February and 14 of the 30 days of the third.
        assert_eq!(monthly("2024-01-01", "2024-02-01", "2024-04-15"), "2.466666666667");
        assert_eq!(monthly("2024-01-01", "2024-04-15", "2024-05-15"), "1");
        let roll = RollRule::FirstDayOfNextMonth;
        assert_eq!(units(Frequency::MONTHLY, roll, "2025-01-31", "2025-01-31", "2025-03-01"), "1");
        assert_eq!(units(Frequency::MONTHLY, roll, "2025-01-31", "2025-03-01", "2025-03-31"), "1");
        let weekly =
            |start, due| units(Frequency::BIWEEKLY, RollRule::SameDay, "2024-01-01", start, due);
        assert_eq!(weekly("2024-01-01", "2024-01-15"), "2");
        assert_eq!(weekly("2024-01-15", "2024-01-24"), "1.285714285714");
    }
}
