//! Set-returning functions that write their rows straight into a tuplestore.
//!
//! A value-per-call function makes PostgreSQL form a composite value for each row, take it apart
//! and store it, and every amount is allocated on the way. Here a row is put together once, in one
//! buffer, as the minimal tuple the store keeps: a header, then the columns as they lie on disk.
//!
//! The layout is that of `MinimalTupleData` and of `heap_fill_tuple`, the same from PostgreSQL 15
//! to 18: integers and dates aligned to four bytes, a double to eight, a boolean in one, a numeric as a
//! varlena with a length word of one byte, unaligned, or of four, aligned. No column is NULL.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{PgTupleDesc, check_for_interrupts, error, pg_sys};

use super::date::Day;
use super::numeric::{Body, NUMERIC_MAX, Num};
use crate::domain::calendar::civil::DAY_NUMBER_2000_01_01;

/// Bytes before the first column: the header without its bitmap, aligned to eight.
const HEADER: usize = 16;
/// What a whole tuple has before a minimal one begins. `t_hoff` and lengths count it.
const MINIMAL_TUPLE_OFFSET: usize = 8;
/// The flag of a tuple that has columns of varying length.
const HAS_VARYING_WIDTH: u16 = 0x0002;
/// Most bytes a column takes, with its alignment.
const COLUMN_MAX: usize = NUMERIC_MAX.next_multiple_of(8);
/// Most columns a row has.
const COLUMNS_MAX: usize = 16;
/// Most bytes a row takes.
const ROW_MAX: usize = HEADER + COLUMNS_MAX * COLUMN_MAX;
/// Bytes of rows that are handed to the store at once: some fifty schedule lines. The guard that
/// turns an error of the server into one of Rust costs about as much as storing a row, so it is put
/// around many; more would push the store's own copies out of the nearest cache.
const BATCH_BYTES: usize = 4096;

/// Tuples under construction, aligned as the server aligns tuples.
#[repr(C, align(8))]
struct Buffer([u8; BATCH_BYTES]);

/// The cells of rows as they are written, in the order of the declared columns. Rows lie one after
/// the other until the batch is full.
pub struct Cells<const N: usize> {
    buffer: Buffer,
    /// Where the row under construction begins.
    row: usize,
    /// Where its next column begins.
    at: usize,
    kinds: [pg_sys::Oid; N],
    filled: usize,
}

impl<const N: usize> Cells<N> {
    fn new() -> Self {
        const { assert!(N <= COLUMNS_MAX) };
        Self {
            buffer: Buffer([0; BATCH_BYTES]),
            row: MINIMAL_TUPLE_OFFSET,
            at: MINIMAL_TUPLE_OFFSET,
            kinds: [pg_sys::InvalidOid; N],
            filled: 0,
        }
    }

    /// Begins a batch. The first row leaves room for what a whole tuple has before it.
    fn clear(&mut self) {
        self.row = MINIMAL_TUPLE_OFFSET;
    }

    /// Begins a row.
    fn begin(&mut self) {
        self.at = self.row + HEADER;
        self.filled = 0;
    }

    /// Whether another row might not fit.
    fn is_full(&self) -> bool {
        self.row + ROW_MAX > BATCH_BYTES
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

    /// A `double precision`.
    #[inline]
    pub fn real(&mut self, value: f64) {
        self.fixed(value.to_ne_bytes(), pg_sys::FLOAT8OID);
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
    fn varying(&mut self, body: Body) {
        if let Some(place) = self.buffer.0[self.at..].first_chunk_mut() {
            self.at = body.write(place, self.at);
        }
        self.kinds[self.filled] = pg_sys::NUMERICOID;
        self.filled += 1;
    }

    /// A `numeric`.
    #[inline]
    pub fn amount(&mut self, amount: Num) {
        self.varying(Body::of(amount.0.mantissa(), amount.0.scale()));
    }

    /// A `numeric` of whole minor units, such as cents at two decimals.
    #[inline]
    pub fn minor(&mut self, units: i64, decimals: u32) {
        self.varying(Body::of_minor(units, decimals));
    }

    /// A `numeric` of nothing, with decimals.
    #[inline]
    pub fn nothing(&mut self, decimals: u32) {
        self.varying(Body::zero(decimals));
    }

    /// Writes the header of the finished row; the next begins behind it.
    fn finish(&mut self) {
        // SAFETY: the row is aligned, its header lies within the buffer, which is exclusively ours.
        unsafe {
            let tuple: pg_sys::MinimalTuple = self.buffer.0.as_mut_ptr().add(self.row).cast();
            (*tuple).t_len = (self.at - self.row) as u32;
            (*tuple).t_infomask2 = N as u16;
            (*tuple).t_infomask = HAS_VARYING_WIDTH;
            (*tuple).t_hoff = (HEADER + MINIMAL_TUPLE_OFFSET) as u8;
        }
        self.row = self.at.next_multiple_of(8);
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

/// The server's function without a guard around it.
mod unguarded {
    use pgrx::pg_sys::{HeapTuple, Tuplestorestate};

    unsafe extern "C-unwind" {
        pub fn tuplestore_puttuple(store: *mut Tuplestorestate, tuple: HeapTuple);
    }
}

/// Copies the tuples of a batch into the store.
///
/// The store takes a whole tuple by copying what follows its first eight bytes, which is the minimal
/// tuple; nothing reads those eight bytes. So it is told of a tuple that begins there, and no slot
/// is filled and emptied for each row.
///
/// # Safety
/// The store is that of the running call, and every tuple is one of its row type.
unsafe fn store_all<const N: usize>(store: *mut pg_sys::Tuplestorestate, cells: &mut Cells<N>) {
    let base = cells.buffer.0.as_mut_ptr();
    let (mut row, end) = (MINIMAL_TUPLE_OFFSET, cells.row);
    let mut tuple = pg_sys::HeapTupleData::default();
    // SAFETY: as the caller vouches; rows up to `end` are finished, so each begins with its length.
    // The closure has nothing to drop, so that an error of the server may jump out of it to the
    // guard.
    unsafe {
        pg_sys::ffi::pg_guard_ffi_boundary(|| {
            while row < end {
                let minimal: pg_sys::MinimalTuple = base.add(row).cast();
                let length = (*minimal).t_len as usize;
                tuple.t_len = (length + MINIMAL_TUPLE_OFFSET) as u32;
                tuple.t_data = base.add(row - MINIMAL_TUPLE_OFFSET).cast();
                unguarded::tuplestore_puttuple(store, &raw mut tuple);
                row = (row + length).next_multiple_of(8);
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
        // The store copies every tuple of a batch before the buffer is written again.
        unsafe {
            let raw = fcinfo.as_mut_ptr();
            // What the caller expects is what was declared, without asking the catalog for it.
            pg_sys::InitMaterializedSRF(raw, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
            let info: *mut pg_sys::ReturnSetInfo = (*raw).resultinfo.cast();
            let (store, descriptor) = ((*info).setResult, (*info).setDesc);
            let mut cells = Cells::<N>::new();
            for row in 0..self.0.height() {
                if cells.is_full() {
                    check_for_interrupts!();
                    store_all(store, &mut cells);
                    cells.clear();
                }
                cells.begin();
                self.0.write(row, &mut cells);
                if row == 0 {
                    cells.check(&PgTupleDesc::from_pg_unchecked(descriptor));
                }
                cells.finish();
            }
            store_all(store, &mut cells);
        }
        fcinfo.return_null()
    }
}
