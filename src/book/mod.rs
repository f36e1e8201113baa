//! What a book is made of: scripts that `loan_engine.create_book` runs in order, in a schema of the
//! caller's.
//!
//! A script names its schema `@book@`, so that the same text makes any book.

use pgrx::iter::TableIterator;
use pgrx::prelude::*;

/// The scripts in the order they are run, each with its name.
macro_rules! parts {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../sql/book/", $name, ".sql")))),*]
    };
}

const PARTS: &[(&str, &str)] = parts![
    "10_book",
    "12_control",
    "15_parties",
    "20_products",
    "22_product_terms",
    "23_calendars",
    "24_product_seeds",
    "25_ledger",
    "26_ledger_posting",
    "27_ledger_reports",
    "28_chart",
    "30_machines",
    "31_transitions",
    "32_machine_views",
    "33_machine_seeds",
    "34_vocabulary",
    "40_applications",
    "41_rules",
    "42_decisions",
    "44_matching",
    "45_pay_days",
    "50_loans",
    "50_recording",
    "51_accrual",
    "51_loan_ledger",
    "52_agreement",
    "53_documents",
    "54_conversion",
    "55_events",
    "55_loan_status",
    "60_payments",
    "61_inbox",
    "62_repayments",
    "63_webhooks",
    "64_remittances",
    "64_statements",
    "65_servicing",
    "66_transfers",
    "70_collections",
    "71_collecting",
    "72_disputes",
    "73_assets",
    "74_price_intake",
    "74_price_views",
    "75_collateral",
    "76_exposure",
    "76_margin_ladder",
    "77_pledging",
    "77_price_feeds",
    "78_margin_calls",
    "79_revaluation",
    "80_end_of_day",
    "82_daily_steps",
    "84_queue",
    "85_enqueue",
    "85_tending",
    "86_claiming",
    "86_finishing",
    "87_working",
    "88_schedules",
    "89_runner",
    "89_schedule_seeds",
    "90_payroll",
    "91_payroll_accuracy",
    "91_payroll_expectations",
    "91_payroll_files",
    "92_outbox",
    "93_notifications",
    "93_reminders",
    "93_words",
    "94_sagas",
    "94_sagas_running",
    "94_sagas_shipped",
    "95_planning",
];

/// Where a script names its schema.
const PLACEHOLDER: &str = "@book@";

#[pg_extern(immutable, parallel_safe)]
fn _book_parts(
    book: &str,
) -> TableIterator<'static, (name!(number, i32), name!(part, &'static str), name!(script, String))>
{
    let schema = pgrx::spi::quote_identifier(book);
    let scripts =
        PARTS.iter().map(move |(name, script)| (*name, script.replace(PLACEHOLDER, &schema)));
    TableIterator::new((1..).zip(scripts).map(|(number, (name, script))| (number, name, script)))
}

/// The version of the books this engine makes.
#[pg_extern(immutable, parallel_safe)]
fn _book_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
