//! Where a date moves that is no business day, and what moves with it.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use super::BusinessCalendar;
use crate::domain::calendar::CalendarError;
use crate::domain::error::by_name;

/// Where a date moves that is no business day. ISDA 2006 section 4.12.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub enum BusinessDayConvention {
    /// It stays.
    #[default]
    None,
    /// To the next business day.
    Following,
    /// To the next business day, unless that lies in another month: then to the one before.
    ModifiedFollowing,
    /// To the business day before.
    Preceding,
    /// To the business day before, unless that lies in another month: then to the next.
    ModifiedPreceding,
    /// From the last day of a weekend and the day after it, as are Sunday and Monday, to the next
    /// business day; from any other day to the one before. ISDA 2006 section 4.12(a)(iv).
    Nearest,
}

const NAMES: [(&str, BusinessDayConvention); 16] = [
    ("none", BusinessDayConvention::None),
    ("following", BusinessDayConvention::Following),
    ("modified_following", BusinessDayConvention::ModifiedFollowing),
    ("preceding", BusinessDayConvention::Preceding),
    ("modified_preceding", BusinessDayConvention::ModifiedPreceding),
    ("nearest", BusinessDayConvention::Nearest),
    ("unadjusted", BusinessDayConvention::None),
    ("no_adjustment", BusinessDayConvention::None),
    ("modified following", BusinessDayConvention::ModifiedFollowing),
    ("modified-following", BusinessDayConvention::ModifiedFollowing),
    ("modfollowing", BusinessDayConvention::ModifiedFollowing),
    ("previous", BusinessDayConvention::Preceding),
    ("modified preceding", BusinessDayConvention::ModifiedPreceding),
    ("modified-preceding", BusinessDayConvention::ModifiedPreceding),
    ("modprevious", BusinessDayConvention::ModifiedPreceding),
    ("modified_previous", BusinessDayConvention::ModifiedPreceding),
];

impl BusinessDayConvention {
    /// The convention of a name such as `modified_following`, in any case.
    ///
    /// # Errors
    /// [`CalendarError::Name`] lists the names there are.
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        Ok(by_name("business day convention", name, &NAMES)?)
    }

    /// The name it is written with.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Following => "following",
            Self::ModifiedFollowing => "modified_following",
            Self::Preceding => "preceding",
            Self::ModifiedPreceding => "modified_preceding",
            Self::Nearest => "nearest",
        }
    }
}

impl From<BusinessDayConvention> for &'static str {
    fn from(convention: BusinessDayConvention) -> Self {
        convention.name()
    }
}

impl TryFrom<String> for BusinessDayConvention {
    type Error = CalendarError;
    fn try_from(name: String) -> Result<Self, CalendarError> {
        Self::parse(&name)
    }
}

/// Whether interest follows a date that moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ShiftOrder {
    /// Dates move first; interest runs between the moved dates ("adjusted").
    #[default]
    ShiftThenCalculate,
    /// Interest runs between the dates as they were; only the payment moves ("unadjusted").
    CalculateThenShift,
}

/// A business day convention with what follows it: the `businessDayConvention` of ACTUS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "&'static str", try_from = "String")]
pub struct BusinessDayRule {
    /// Where a date moves.
    pub convention: BusinessDayConvention,
    /// Whether interest follows.
    pub order: ShiftOrder,
}

const fn rule(convention: BusinessDayConvention, order: ShiftOrder) -> BusinessDayRule {
    BusinessDayRule { convention, order }
}

const CODES: [(&str, BusinessDayRule); 11] = {
    use BusinessDayConvention as C;
    use ShiftOrder::{CalculateThenShift, ShiftThenCalculate};
    [
        ("NOS", rule(C::None, ShiftThenCalculate)),
        ("SCF", rule(C::Following, ShiftThenCalculate)),
        ("SCMF", rule(C::ModifiedFollowing, ShiftThenCalculate)),
        ("SCP", rule(C::Preceding, ShiftThenCalculate)),
        ("SCMP", rule(C::ModifiedPreceding, ShiftThenCalculate)),
        ("SCN", rule(C::Nearest, ShiftThenCalculate)),
        ("CSF", rule(C::Following, CalculateThenShift)),
        ("CSMF", rule(C::ModifiedFollowing, CalculateThenShift)),
        ("CSP", rule(C::Preceding, CalculateThenShift)),
        ("CSMP", rule(C::ModifiedPreceding, CalculateThenShift)),
        ("CSN", rule(C::Nearest, CalculateThenShift)),
    ]
};

impl BusinessDayRule {
    /// The rule of an ACTUS code (`NOS`, `SCF`, `SCMF`, `SCP`, `SCMP`, `CSF`, `CSMF`, `CSP`,
    /// `CSMP`; and by the same pattern `SCN`, `CSN` for the nearest), or of a name such as
    /// `modified_following`, alone or followed by `adjusted` or `unadjusted`. A name alone is
    /// adjusted, as ISDA 2006 section 4.10 has it.
    ///
    /// # Errors
    /// [`CalendarError::Name`] lists the codes there are.
    pub fn parse(name: &str) -> Result<Self, CalendarError> {
        let unknown = match by_name("business day rule", name, &CODES) {
            Ok(found) => return Ok(found),
            Err(unknown) => unknown,
        };
        let trimmed = name.trim();
        let (name, order) = match trimmed.rsplit_once([' ', ',']) {
            Some((name, word)) if word.eq_ignore_ascii_case("unadjusted") => {
                (name, ShiftOrder::CalculateThenShift)
            }
            Some((name, word)) if word.eq_ignore_ascii_case("adjusted") => {
                (name, ShiftOrder::ShiftThenCalculate)
            }
            _ => (trimmed, ShiftOrder::ShiftThenCalculate),
        };
        BusinessDayConvention::parse(name.trim_end_matches([' ', ',']))
            .map(|convention| Self { convention, order })
            .map_err(|_| CalendarError::Name(unknown))
    }

    /// The code it is written with.
    pub fn name(self) -> &'static str {
        CODES
            .iter()
            .find(|(_, known)| {
                known.convention == self.convention
                    && (known.order == self.order || self.convention == BusinessDayConvention::None)
            })
            .map_or("NOS", |(code, _)| code)
    }
}

impl From<BusinessDayRule> for &'static str {
    fn from(rule: BusinessDayRule) -> Self {
        rule.name()
    }
}

impl TryFrom<String> for BusinessDayRule {
    type Error = CalendarError;
    fn try_from(name: String) -> Result<Self, CalendarError> {
        Self::parse(&name)
    }
}

/// The business day a date moves to; the date itself if it is one, or if nothing moves.
///
/// # Errors
/// [`CalendarError::OutsideHorizon`] and [`CalendarError::OutOfRange`], for the date given and
/// the date found.
pub fn adjust(
    date: NaiveDate,
    convention: BusinessDayConvention,
    calendar: &BusinessCalendar,
) -> Result<NaiveDate, CalendarError> {
    let same_month =
        |moved: NaiveDate| (moved.year(), moved.month()) == (date.year(), date.month());
    match convention {
        BusinessDayConvention::None => Ok(date),
        BusinessDayConvention::Following => calendar.on_or_after(date),
        BusinessDayConvention::Preceding => calendar.on_or_before(date),
        BusinessDayConvention::ModifiedFollowing => match calendar.on_or_after(date)? {
            moved if same_month(moved) => Ok(moved),
            _ => calendar.on_or_before(date),
        },
        BusinessDayConvention::ModifiedPreceding => match calendar.on_or_before(date)? {
            moved if same_month(moved) => Ok(moved),
            _ => calendar.on_or_after(date),
        },
        BusinessDayConvention::Nearest if calendar.ends_a_weekend(date) => {
            calendar.on_or_after(date)
        }
        BusinessDayConvention::Nearest => calendar.on_or_before(date),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Weekend;
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn dates_move_as_the_definitions_say() {
        use BusinessDayConvention::*;
        let easter_2013 = ["2013-03-29", "2013-04-01"].map(d);
        let calendar = BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, easter_2013).unwrap();
        for (convention, date, want) in [
            // Easter Sunday: the month has no later business day.
            (None, "2013-03-31", "2013-03-31"),
            (Following, "2013-03-31", "2013-04-02"),
            (ModifiedFollowing, "2013-03-31", "2013-03-28"),
            (Preceding, "2013-03-31", "2013-03-28"),
            (ModifiedPreceding, "2013-03-31", "2013-03-28"),
            (Nearest, "2013-03-31", "2013-04-02"),
            // Easter Monday: the month has no earlier one.
            (Preceding, "2013-04-01", "2013-03-28"),
            (ModifiedPreceding, "2013-04-01", "2013-04-02"),
            (Nearest, "2013-04-01", "2013-04-02"),
            // Good Friday and the Saturday after go back.
            (Nearest, "2013-03-29", "2013-03-28"),
            (Nearest, "2013-03-30", "2013-03-28"),
            (Following, "2013-03-28", "2013-03-28"),
        ] {
            assert_eq!(
                adjust(d(date), convention, &calendar),
                Ok(d(want)),
                "{convention:?} {date}"
            );
        }
    }

    #[test]
    fn the_nearest_day_follows_the_weekend_of_the_place() {
        let gulf = BusinessCalendar::new(Weekend::FRIDAY_SATURDAY, []).unwrap();
        let nearest = |date| adjust(d(date), BusinessDayConvention::Nearest, &gulf).unwrap();
        assert_eq!(nearest("2024-05-03"), d("2024-05-02"));
        assert_eq!(nearest("2024-05-04"), d("2024-05-05"));
    }

    #[test]
    fn names_and_actus_codes_are_read_and_written() {
        for (name, convention) in NAMES {
            assert_eq!(BusinessDayConvention::parse(&name.to_uppercase()), Ok(convention));
            assert_eq!(BusinessDayConvention::parse(convention.name()), Ok(convention));
        }
        for (code, rule) in CODES {
            assert_eq!(BusinessDayRule::parse(&code.to_lowercase()), Ok(rule));
            assert_eq!(rule.name(), code);
            let text = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<BusinessDayRule>(&text).unwrap(), rule);
        }
        for (text, code) in [
            ("modified_following", "SCMF"),
            ("Modified Following, adjusted", "SCMF"),
            ("modified following unadjusted", "CSMF"),
            ("preceding, unadjusted", "CSP"),
            ("none", "NOS"),
            ("unadjusted", "NOS"),
        ] {
            assert_eq!(BusinessDayRule::parse(text).map(BusinessDayRule::name), Ok(code), "{text}");
        }
        assert!(BusinessDayRule::parse("sideways").is_err());
        assert!(BusinessDayConvention::parse("SCF").is_err());
    }

    proptest! {
        #[test]
        fn a_moved_date_is_a_business_day_and_stays(
            holidays in proptest::collection::vec(0..400_u64, 0..80),
            offset in 0..400_u64,
        ) {
            use BusinessDayConvention::*;
            let day = |offset| d("2024-01-01") + chrono::Days::new(offset);
            let holidays = holidays.into_iter().map(day);
            let calendar = BusinessCalendar::new(Weekend::SATURDAY_SUNDAY, holidays).unwrap();
            let date = day(offset);
            for convention in [Following, ModifiedFollowing, Preceding, ModifiedPreceding, Nearest] {
                let moved = adjust(date, convention, &calendar).unwrap();
                prop_assert_eq!(calendar.is_business_day(moved), Ok(true));
                prop_assert_eq!(adjust(moved, convention, &calendar), Ok(moved));
                // Nothing open lies between the date and where it moved.
                let (low, high) = (date.min(moved), date.max(moved));
                let low = if low == moved { low.succ_opt().unwrap() } else { low };
                if low < high {
                    prop_assert_eq!(calendar.business_days_between(low, high), Ok(0));
                }
                if convention == Following { prop_assert!(moved >= date); }
                if convention == Preceding { prop_assert!(moved <= date); }
            }
        }
    }
}
