//! `date` to and from `NaiveDate`, by day numbers.

use chrono::{Datelike, NaiveDate};
use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{self, Datum, UnboxDatum};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::{FromDatum, IntoDatum, PgSqlErrorCode, impl_sql_translatable, pg_sys};

use super::argument::given;
use crate::domain::limits::{YEAR_MAX, YEAR_MIN};

/// A `date` from year 1 to year 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day(pub NaiveDate);

impl_sql_translatable!(Day, "date");

/// Days from 31 December of the year before year 1 to PostgreSQL's day zero, 1 January 2000.
const DAY_ZERO_FROM_CE: i32 = 730_120;

impl Day {
    /// The date of PostgreSQL's day number.
    ///
    /// # Errors
    /// A number of a date outside the years a calculation takes.
    pub fn from_number(number: i32) -> Result<Self, ErrorReport> {
        number
            .checked_add(DAY_ZERO_FROM_CE)
            .and_then(NaiveDate::from_num_days_from_ce_opt)
            .filter(|date| (YEAR_MIN..=YEAR_MAX).contains(&date.year()))
            .map(Day)
            .ok_or_else(|| {
                let given = match number {
                    i32::MIN => "-infinity".to_owned(),
                    i32::MAX => "infinity".to_owned(),
                    _ => datum::Date::try_from(number).map_or_else(
                        |_| format!("{number} days from 2000-01-01"),
                        |date| date.to_string(),
                    ),
                };
                ErrorReport::new(
                    PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
                    "date out of range for a calculation",
                    "",
                )
                .set_detail(format!("The date is {given}."))
                .set_hint(format!("Give a date from year {YEAR_MIN} to year {YEAR_MAX}."))
            })
    }

    /// PostgreSQL's day number of this date.
    pub fn number(self) -> i32 {
        self.0.num_days_from_ce() - DAY_ZERO_FROM_CE
    }
}

impl FromDatum for Day {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        (!null).then(|| Self::from_number(datum.value() as i32).unwrap_or_report())
    }
}

impl IntoDatum for Day {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(pg_sys::Datum::from(self.number()))
    }
    fn type_oid() -> pg_sys::Oid {
        pg_sys::DATEOID
    }
}

// SAFETY: a date is passed by value as its day number, which `from_polymorphic_datum` reads.
unsafe impl UnboxDatum for Day {
    type As<'src> = Day;
    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self
    where
        Self: 'src,
    {
        Self::from_number(datum.sans_lifetime().value() as i32).unwrap_or_report()
    }
}

// SAFETY: declared in SQL as date.
unsafe impl<'fcx> ArgAbi<'fcx> for Day {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as date.
        unsafe { given(arg) }
    }
}

// SAFETY: the datum is a day number, passed by value.
unsafe impl BoxRet for Day {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: a by-value datum of the declared type.
        unsafe { fcinfo.return_raw_datum(pg_sys::Datum::from(self.number())) }
    }
}
