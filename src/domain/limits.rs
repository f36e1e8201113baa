//! The limits that keep every loop bounded and every machine integer inside its type.

/// Most instalments one schedule may have: a century of weeks, or thirty years of days.
pub const INSTALMENTS_MAX: usize = 11_000;
/// Most cash flows one calculation may have.
pub const CASH_FLOWS_MAX: usize = 10_000_000;
/// Largest annual rate as a fraction in absolute value: 1,000,000 per cent.
pub const ANNUAL_RATE_MAX: i64 = 10_000;
/// First year a date may have.
pub const YEAR_MIN: i32 = 1;
/// Last year a date may have.
pub const YEAR_MAX: i32 = 9999;
/// Largest amount, in whole currency units.
pub const AMOUNT_MAX: i64 = 1_000_000_000_000_000;
/// Most periods an annuity may have: a century of hours is fewer.
pub const ANNUITY_PERIODS_MAX: u32 = 1_000_000;
/// Most operations one loan may have: three a day for thirty years.
pub const OPERATIONS_MAX: usize = 32_768;
