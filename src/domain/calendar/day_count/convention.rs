//! The conventions and the one place that says which rule each follows.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::actual::{self, days_between};
use super::thirty::{self, Thirty};
use super::{DayCountContext, Fraction, icma};
use crate::domain::calendar::CalendarError;

/// A day count convention.
///
/// It reads and writes as its canonical name, such as `"30E/360"`; [`DayCount::parse`] knows the
/// other names in use, and [`super::day_count_names`] lists them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum DayCount {
    /// `1/1`: every period is one year. ISDA 2006 section 4.16(a).
    OneOne,
    /// `ACT/ACT ISDA`: days in leap years over 366 plus days in other years over 365. ISDA 2006
    /// section 4.16(b).
    ActActIsda,
    /// `ACT/ACT ICMA`: days over the length of the regular coupon period they fall in, times the
    /// coupons a year; a stub is cut along notional regular periods. ICMA rule 251.1(iii), ISDA
    /// 2006 section 4.16(c). Needs the period's end and the frequency.
    ActActIcma,
    /// `ACT/ACT AFB`: whole years back from the end, and the rest over 366 if it contains a 29
    /// February, else over 365. Association française des banques, "Base exact/exact", as the
    /// Fédération bancaire française restated it in 2004: an end on 28 February steps back to 28
    /// February.
    ActActAfb,
    /// `ACT/ACT Year`: whole years on from the start, and the rest over the days of the year that
    /// would follow.
    ActActYear,
    /// `ACT/365F`: all days over 365. ISDA 2006 section 4.16(d), "English".
    Act365Fixed,
    /// `ACT/360`: all days over 360. ISDA 2006 section 4.16(e), "French".
    Act360,
    /// `ACT/364`: all days over 364.
    Act364,
    /// `ACT/366`: all days over 366.
    Act366,
    /// `ACT/336`: all days over 336, twelve months of four weeks.
    Act336,
    /// `ACT/365.25`: all days over 365.25.
    Act36525,
    /// `ACT/365A`: all days over 366 if the period, without its first and with its last day,
    /// contains a 29 February, else over 365.
    Act365Actual,
    /// `ACT/365L`: all days over 366 or 365. With annual interest 366 if the interest period,
    /// without its first and with its last day, contains a 29 February; otherwise 366 if the
    /// interest period ends in a leap year. ICMA rule 251.1(i), ISDA 2006 section 4.16(i). Needs
    /// the period's end and the frequency.
    Act365L,
    /// `ACT/365 Canadian`: days over 365 if they are fewer than 365 over the coupons a year,
    /// otherwise a full coupon period less its remaining days over 365. Investment Industry
    /// Association of Canada. Needs the coupon period and the frequency.
    Act365Canadian,
    /// `NL/365`: days other than 29 February over 365.
    Nl365,
    /// `NL/360`: days other than 29 February over 360.
    Nl360,
    /// `30/360 ISDA`: bond basis. A first day 31 becomes 30; a last day 31 becomes 30 if the first
    /// is then 30. ISDA 2006 section 4.16(f).
    Thirty360Isda,
    /// `30/360 US`: the SIA rule. A start on the last day of February becomes 30, and so does an
    /// end on the last day of February with it; then as bond basis.
    Thirty360Us,
    /// `30U/360`: as `30/360 US` for a schedule that keeps to month ends, else as `30/360 ISDA`.
    /// Needs to be told which.
    Thirty360UsFlag,
    /// `30/360 PSA`: a start on the last day of any month becomes 30; an end on 31 becomes 30 if
    /// the start is then 30. Public Securities Association; also Excel's `DAYS360`.
    Thirty360Psa,
    /// `30E/360`: Eurobond basis. 31 becomes 30 on either side. ISDA 2006 section 4.16(g), ICMA
    /// rule 251.1(ii).
    ThirtyE360,
    /// `30E/360 ISDA`: the last day of any month becomes 30 on either side, except an end in
    /// February that is the maturity. ISDA 2006 section 4.16(h), "German". Without a maturity no
    /// end is taken for one.
    ThirtyE360Isda,
    /// `30E+/360`: a first day 31 becomes 30; a last day 31 becomes the first of the next month.
    ThirtyEPlus360,
    /// `30/360 Italian`: 31 becomes 30, and so do 28 and 29 February, on either side.
    Thirty360Italian,
    /// `30/365`: as `30E/360`, over 365. ISO 20022 code A002.
    Thirty365,
    /// `30E/365`: the last day of any month becomes 30 on either side, over 365.
    ThirtyE365,
    /// `28E/336`: days after the 28th count as the 28th, twelve months of 28 days. ACTUS code
    /// 28E336.
    TwentyEightE336,
    /// `BUS/252`: business days, with the first and without the last date, over 252. Brazilian
    /// market. Needs a calendar.
    Bus252,
}

impl DayCount {
    /// The fraction for a start before the end.
    pub(super) fn ordered_fraction(
        self,
        start: NaiveDate,
        end: NaiveDate,
        context: &DayCountContext<'_>,
    ) -> Result<Fraction, CalendarError> {
        let all = || days_between(start, end);
        Ok(match self {
            Self::ActActIsda => actual::isda(start, end),
            Self::ActActIcma => icma::fraction(start, end, context)?,
            Self::ActActAfb => actual::afb(start, end),
            Self::ActActYear => actual::year(start, end),
            Self::Act36525 => Fraction::new(all() * 4, 1_461),
            Self::Act365Actual => Fraction::new(all(), actual::denominator_actual(start, end)),
            Self::Act365L => Fraction::new(all(), actual::denominator_365l(start, context)?),
            Self::Act365Canadian => actual::canadian(start, end, context)?,
            _ => Fraction::new(self.ordered_days(start, end, context)?, self.days_in_year()),
        })
    }

    /// The days of a year where that is one number; 1 where the days are not days.
    const fn days_in_year(self) -> i64 {
        match self {
            Self::OneOne => 1,
            Self::Bus252 => 252,
            Self::Act336 | Self::TwentyEightE336 => 336,
            Self::Act364 => 364,
            Self::Act366 => 366,
            Self::Act360
            | Self::Nl360
            | Self::Thirty360Isda
            | Self::Thirty360Us
            | Self::Thirty360UsFlag
            | Self::Thirty360Psa
            | Self::ThirtyE360
            | Self::ThirtyE360Isda
            | Self::ThirtyEPlus360
            | Self::Thirty360Italian => 360,
            _ => 365,
        }
    }

    /// The days for a start before the end.
    pub(super) fn ordered_days(
        self,
        start: NaiveDate,
        end: NaiveDate,
        context: &DayCountContext<'_>,
    ) -> Result<i64, CalendarError> {
        let thirty = |rule| Ok(thirty::days(rule, start, end));
        match self {
            Self::OneOne => Ok(1),
            Self::Nl365 | Self::Nl360 => Ok(actual::days_without_leap_days(start, end)),
            Self::Thirty360Isda => thirty(Thirty::BondBasis),
            Self::Thirty360Us => thirty(Thirty::Us),
            Self::Thirty360UsFlag => match context.end_of_month {
                Some(true) => thirty(Thirty::Us),
                Some(false) => thirty(Thirty::BondBasis),
                None => Err(self.missing("whether the schedule keeps to month ends")),
            },
            Self::Thirty360Psa => thirty(Thirty::Psa),
            Self::ThirtyE360 | Self::Thirty365 => thirty(Thirty::Eurobond),
            Self::ThirtyE360Isda if context.schedule_end == Some(end) => {
                thirty(Thirty::GermanToMaturity)
            }
            Self::ThirtyE360Isda | Self::ThirtyE365 => thirty(Thirty::German),
            Self::ThirtyEPlus360 => thirty(Thirty::EurobondPlus),
            Self::Thirty360Italian => thirty(Thirty::Italian),
            Self::TwentyEightE336 => Ok(thirty::days_of_28(start, end)),
            Self::Bus252 => {
                let calendar =
                    context.calendar.ok_or_else(|| self.missing("a calendar of business days"))?;
                calendar.business_days_between(start, end)
            }
            _ => Ok(days_between(start, end)),
        }
    }

    pub(super) fn missing(self, missing: &'static str) -> CalendarError {
        CalendarError::MissingContext { convention: self.name(), missing }
    }

    pub(super) fn bad(self, reason: &'static str) -> CalendarError {
        CalendarError::BadContext { convention: self.name(), reason }
    }
}
