//! Set-returning functions that write their rows straight into a tuplestore.
//!
//! A value-per-call function makes PostgreSQL form a composite value for each row, take it apart
//! and store it, and every amount is allocated on the way. Here a row is put together once, in one
//! buffer, as the minimal tuple the store keeps: a header, then the columns as they lie on disk.
//!
//! The layout is that of `MinimalTupleData` and of `heap_fill_tuple`, the same from PostgreSQL 15
//! to 18: integers and dates aligned to four bytes, a boolean in one, a numeric as a varlena with a
//! length word of one byte and so without alignment. No column is NULL.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgTupleDesc, check_for_interrupts, error, pg_sys};

use super::date::Day;
use super::numeric::{Num, SHORT_NUMERIC_MAX, write_short, write_short_minor};
use crate::domain::calendar::civil::DAY_NUMBER_2000_01_01;

/// Bytes before the first column: the header without its bitmap, aligned to eight.
const HEADER: usize = 16;
/// What `t_hoff` counts on top, for a minimal tuple lacks the start of a full one.
const MINIMAL_TUPLE_OFFSET: u8 = 8;
/// The flag of a tuple that has columns of varying length.
const HAS_VARYING_WIDTH: u16 = 0x0002;
/// Most bytes a column takes, with its alignment.
const COLUMN_MAX: usize = SHORT_NUMERIC_MAX.next_multiple_of(8);
/// Most columns a row has.
const COLUMNS_MAX: usize = 16;

/// A tuple under construction, aligned as the server aligns tuples.
#[repr(C, align(8))]
struct Buffer([u8; HEADER + COLUMNS_MAX * COLUMN_MAX]);

/// The cells of one row as they are written, in the order of the declared columns.
pub struct Cells<const N: usize> {
    buffer: Buffer,
    /// Where the next column begins.
    at: usize,
    kinds: [pg_sys::Oid; N],
    filled: usize,
}

impl<const N: usize> Cells<N> {
    fn new() -> Self {
        const { assert!(N <= COLUMNS_MAX) };
        Self {
            buffer: Buffer([0; HEADER + COLUMNS_MAX * COLUMN_MAX]),
            at: HEADER,
            kinds: [pg_sys::InvalidOid; N],
            filled: 0,
        }
    }

    /// Begins a row.
    fn clear(&mut self) {
        self.at = HEADER;
        self.filled = 0;
    }

    #[inline]
    fn fixed<const SIZE: usize>(&mut self, bytes: [u8; SIZE], kind: pg_sys::Oid) {
        // Bytes that only align are zero, as they are in tuples the server makes.
        while !self.at.is_multiple_of(SIZE) {
            self.buffer.0[self.at] = 0;
            self.at += 1;
        }
        self.buffer.0[self.at..self.at + SIZE].copy_from_slice(&bytes);
        self.at += SIZE;
        self.kinds[self.filled] = kind;
        self.filled += 1;
    }

    /// An `integer`.
    #[inline]
    pub fn whole(&mut self, value: i32) {
        self.fixed(value.to_ne_bytes(), pg_sys::INT4OID);
    }

    /// A `boolean`.
    #[inline]
    pub fn truth(&mut self, value: bool) {
        self.fixed([u8::from(value)], pg_sys::BOOLOID);
    }

    /// A `date`.
    #[inline]
    pub fn day(&mut self, day: Day) {
        self.fixed(day.number().to_ne_bytes(), pg_sys::DATEOID);
    }

    /// A `date` given as days from 1970-01-01.
    #[inline]
    pub fn epoch_day(&mut self, number: i32) {
        self.fixed((number - DAY_NUMBER_2000_01_01).to_ne_bytes(), pg_sys::DATEOID);
    }

    #[inline]
    fn varying(&mut self, write: impl FnOnce(&mut [u8; SHORT_NUMERIC_MAX]) -> usize) {
        if let Some(place) = self.buffer.0[self.at..].first_chunk_mut() {
            self.at += write(place);
        }
        self.kinds[self.filled] = pg_sys::NUMERICOID;
        self.filled += 1;
    }

    /// A `numeric`.
    #[inline]
    pub fn amount(&mut self, amount: Num) {
        self.varying(|place| write_short(amount.0.mantissa(), amount.0.scale(), place));
    }

    /// A `numeric` of whole minor units, such as cents at two decimals.
    #[inline]
    pub fn minor(&mut self, units: i64, decimals: u32) {
        self.varying(|place| write_short_minor(units, decimals, place));
    }

    /// Writes the header of the finished row and gives the tuple.
    fn tuple(&mut self) -> pg_sys::MinimalTuple {
        let tuple: pg_sys::MinimalTuple = self.buffer.0.as_mut_ptr().cast();
        // SAFETY: the buffer is aligned, longer than the header, and exclusively ours.
        unsafe {
            (*tuple).t_len = self.at as u32;
            (*tuple).t_infomask2 = N as u16;
            (*tuple).t_infomask = HAS_VARYING_WIDTH;
            (*tuple).t_hoff = HEADER as u8 + MINIMAL_TUPLE_OFFSET;
        }
        tuple
    }

    /// Whether the columns written are those declared, which the first row of a result is asked.
    fn check(&self, declared: &PgTupleDesc<'_>) {
        let types = declared.iter().map(|column| column.atttypid);
        if self.filled != N || !types.eq(self.kinds.iter().copied()) {
            error!("a function writes other columns than it declares");
        }
    }
}

/// A result of many rows of `N` columns.
pub trait Table<const N: usize> {
    /// How many rows there are.
    fn height(&self) -> usize;
    /// Writes every column of a row once, in order.
    fn write(&self, row: usize, cells: &mut Cells<N>);
}

/// The rows a function returns.
pub struct Rows<T, const N: usize>(pub T);

/// Rows that are handed to the store at once. The guard that turns an error of the server into one
/// of Rust costs about as much as storing a row, so it is put around many.
const BATCH: usize = 64;

/// The server's functions without a guard around each.
mod unguarded {
    use pgrx::pg_sys::{MinimalTuple, TupleTableSlot, Tuplestorestate};

    unsafe extern "C-unwind" {
        pub fn ExecStoreMinimalTuple(
            tuple: MinimalTuple,
            slot: *mut TupleTableSlot,
            should_free: bool,
        ) -> *mut TupleTableSlot;
        pub fn tuplestore_puttupleslot(store: *mut Tuplestorestate, slot: *mut TupleTableSlot);
    }
}

/// Copies tuples into the store.
///
/// # Safety
/// The pointers are those of the running call, and every tuple is one of its row type.
unsafe fn store_all(
    store: *mut pg_sys::Tuplestorestate,
    slot: *mut pg_sys::TupleTableSlot,
    tuples: &[pg_sys::MinimalTuple],
) {
    // SAFETY: as the caller vouches. The closure has nothing to drop, so that an error of the
    // server may jump out of it to the guard.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            for &tuple in tuples {
                unguarded::ExecStoreMinimalTuple(tuple, slot, false);
                unguarded::tuplestore_puttupleslot(store, slot);
            }
        });
    }
}

// SAFETY: a function that returns `Rows` spells out its SQL, and the declared columns are checked
// against those written; `record` stands for them in the metadata.
unsafe impl<T, const N: usize> SqlTranslatable for Rows<T, N> {
    const TYPE_IDENT: &'static str = "loan_engine::pg::Rows";
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Err(ArgumentError::Table);
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::SetOf(SqlMappingRef::literal("record")));
}

// SAFETY: a materialised result is returned through `ReturnSetInfo`; the datum itself is NULL, as
// the protocol of such functions asks.
unsafe impl<T: Table<N>, const N: usize> BoxRet for Rows<T, N> {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: PostgreSQL calls a set-returning function with a ReturnSetInfo, which
        // InitMaterializedSRF checks; it then fills setResult and setDesc, both used only here.
        // The slot only borrows the buffers, and the store copies every tuple of a batch before the
        // buffers are written again.
        unsafe {
            let raw = fcinfo.as_mut_ptr();
            pg_sys::InitMaterializedSRF(raw, 0);
            let info: *mut pg_sys::ReturnSetInfo = (*raw).resultinfo.cast();
            let (store, descriptor) = ((*info).setResult, (*info).setDesc);
            let slot =
                pg_sys::MakeSingleTupleTableSlot(descriptor, &raw const pg_sys::TTSOpsMinimalTuple);
            let height = self.0.height();
            let mut batch: Vec<Cells<N>> = Vec::new();
            batch.resize_with(height.min(BATCH), Cells::new);
            let mut tuples: Vec<pg_sys::MinimalTuple> = Vec::with_capacity(batch.len());
            for first in (0..height).step_by(BATCH) {
                check_for_interrupts!();
                tuples.clear();
                for (row, cells) in (first..height).zip(&mut batch) {
                    cells.clear();
                    self.0.write(row, cells);
                    if row == 0 {
                        cells.check(&PgTupleDesc::from_pg_unchecked(descriptor));
                    }
                    tuples.push(cells.tuple());
                }
                store_all(store, slot, &tuples);
            }
            pg_sys::ExecDropSingleTupleTableSlot(slot);
        }
        fcinfo.return_null()
    }
}
