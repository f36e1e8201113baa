//! `numeric` to and from [`Decimal`], digit by digit.
//!
//! The stored form of a numeric has not changed since PostgreSQL 9.1: after the length word a
//! 16-bit header. If its top bits are 10 the header is short: one bit of sign, six of display
//! scale, seven of weight. If they are 00 or 01 it is long: sign and 14 bits of display scale,
//! then a 16-bit weight. 11 marks NaN and the infinities. Digits in base 10,000 follow, the first
//! worth 10,000 to the weight. A value read here costs about a tenth of a passage through text.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::datum::{Datum, UnboxDatum};
use pgrx::pg_sys::panic::{ErrorReport, ErrorReportable};
use pgrx::{FromDatum, IntoDatum, PgSqlErrorCode, impl_sql_translatable, pg_sys, varlena};
use rust_decimal::Decimal;

use super::argument::given;

/// A `numeric` of at most 28 significant digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Num(pub Decimal);

impl_sql_translatable!(Num, "numeric");

const SIGN_MASK: u16 = 0xC000;
const NEGATIVE: u16 = 0x4000;
const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xC000;
const NAN: u16 = 0xC000;
const POSITIVE_INFINITY: u16 = 0xD000;
const SHORT_SIGN: u16 = 0x2000;
const SHORT_SCALE_SHIFT: u16 = 7;
const SHORT_SCALE_MASK: u16 = 0x1F80;
const SHORT_WEIGHT_SIGN: u16 = 0x0040;
const SHORT_WEIGHT_MASK: u16 = 0x003F;
const LONG_SCALE_MASK: u16 = 0x3FFF;

const BASE: u128 = 10_000;
/// Decimals a digit of base 10,000 has.
const DIGIT_DECIMALS: i32 = 4;
/// Largest coefficient of a `Decimal`: 96 bits.
const COEFFICIENT_MAX: u128 = (1 << 96) - 1;
const SCALE_MAX: i32 = 28;

fn refused(detail: &str, hint: &str) -> ErrorReport {
    ErrorReport::new(
        PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        "numeric out of range for exact arithmetic",
        "",
    )
    .set_detail(detail.to_owned())
    .set_hint(hint.to_owned())
}

fn damaged() -> ErrorReport {
    refused("The stored value is cut short.", "Check the table with amcheck.")
}

/// Reads the bytes of a numeric after its length word.
fn decode(bytes: &[u8]) -> Result<Decimal, ErrorReport> {
    let word = |index: usize| {
        let at = index * 2;
        bytes.get(at..at + 2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]]))
    };
    let header = word(0).ok_or_else(damaged)?;
    let (negative, display_scale, weight, first_digit) = match header & SIGN_MASK {
        SPECIAL => {
            let value = match header {
                NAN => "The value is NaN.",
                POSITIVE_INFINITY => "The value is Infinity.",
                _ => "The value is -Infinity.",
            };
            return Err(refused(value, "Give a finite number."));
        }
        SHORT => {
            let magnitude = (header & SHORT_WEIGHT_MASK) as i32;
            let weight = if header & SHORT_WEIGHT_SIGN == 0 { magnitude } else { magnitude - 64 };
            let scale = (header & SHORT_SCALE_MASK) >> SHORT_SCALE_SHIFT;
            (header & SHORT_SIGN != 0, scale as i32, weight, 1)
        }
        sign => {
            let weight = word(1).ok_or_else(damaged)? as i16;
            (sign == NEGATIVE, (header & LONG_SCALE_MASK) as i32, weight as i32, 2)
        }
    };
    let count = bytes.len() / 2 - first_digit;
    let too_long = || {
        refused(
            "The value has more than 28 significant digits.",
            "Round the value to at most 28 significant digits.",
        )
    };

    let mut coefficient: u128 = 0;
    for index in 0..count {
        let digit = word(first_digit + index).unwrap_or(0) as u128;
        coefficient = coefficient
            .checked_mul(BASE)
            .and_then(|shifted| shifted.checked_add(digit))
            .ok_or_else(too_long)?;
    }
    // The decimals the digits reach; negative where whole groups of zeros are not stored.
    let mut scale = (count as i32 - 1 - weight) * DIGIT_DECIMALS;
    if coefficient == 0 {
        scale = 0;
    }
    // The last group may reach beyond the display scale, always with zeros.
    while scale > 0
        && (scale > display_scale || scale > SCALE_MAX || coefficient > COEFFICIENT_MAX)
        && coefficient.is_multiple_of(10)
    {
        coefficient /= 10;
        scale -= 1;
    }
    // The display scale may ask for zeros that are not stored; they are kept while they fit.
    let wanted = display_scale.min(SCALE_MAX);
    while scale < wanted {
        match coefficient.checked_mul(10).filter(|&next| next <= COEFFICIENT_MAX) {
            Some(next) => coefficient = next,
            None if scale < 0 => return Err(too_long()),
            None => break,
        }
        scale += 1;
    }
    if coefficient > COEFFICIENT_MAX || scale > SCALE_MAX {
        return Err(too_long());
    }
    Decimal::try_from_i128_with_scale(
        if negative { -(coefficient as i128) } else { coefficient as i128 },
        scale as u32,
    )
    .map_err(|_| too_long())
}

/// Groups of four digits of a 96-bit coefficient, with one more where the decimals split a group.
const GROUPS_MAX: usize = 10;
/// Groups of a 64-bit number.
const SMALL_GROUPS: usize = 5;
/// Bytes of the short header and of all groups.
const BODY_MAX: usize = 2 + 2 * GROUPS_MAX;
/// Most bytes of a numeric whose length word is one byte.
pub(super) const SHORT_NUMERIC_MAX: usize = 1 + BODY_MAX;

/// What aligns the last group of a number of decimals with the point, by decimals modulo four.
const PADDING: [u64; 4] = [1, 1000, 100, 10];

/// Writes `coefficient` / 10^`scale` as it is stored after the length word, and counts the bytes.
#[inline]
fn write_body(coefficient: i128, scale: u32, body: &mut [u8; BODY_MAX]) -> usize {
    let power = PADDING[(scale % 4) as usize];
    let magnitude = coefficient.unsigned_abs();
    if let Some(aligned) = u64::try_from(magnitude).ok().and_then(|it| it.checked_mul(power)) {
        return write_groups(coefficient < 0, scale, aligned, body);
    }
    // The last group alone takes the padding, so that nothing overflows.
    let mut groups = [0u16; GROUPS_MAX];
    let last = u128::from(10_000 / power);
    groups[0] = (magnitude % last) as u16 * power as u16;
    let (mut left, mut count) = (magnitude / last, 1);
    while left > 0 {
        groups[count] = (left % BASE) as u16;
        left /= BASE;
        count += 1;
    }
    store(coefficient < 0, scale, &groups[..count], body)
}

/// The same for a coefficient that is aligned and fits 64 bits.
#[inline]
fn write_groups(negative: bool, scale: u32, aligned: u64, body: &mut [u8; BODY_MAX]) -> usize {
    let mut groups = [0u16; SMALL_GROUPS];
    let (mut left, mut count) = (aligned, 0);
    while left > 0 {
        groups[count] = (left % 10_000) as u16;
        left /= 10_000;
        count += 1;
    }
    store(negative, scale, &groups[..count], body)
}

/// Stores the header and the groups, given the least first, and counts the bytes.
#[inline]
fn store(negative: bool, scale: u32, groups: &[u16], body: &mut [u8; BODY_MAX]) -> usize {
    // Trailing groups of zeros are never stored.
    let zeros = groups.iter().take_while(|group| **group == 0).count();
    let kept = groups.len() - zeros;
    let weight = match kept {
        0 => 0,
        _ => groups.len() as i32 - scale.div_ceil(4) as i32 - 1,
    };
    let header = SHORT
        | if negative { SHORT_SIGN } else { 0 }
        | ((scale as u16) << SHORT_SCALE_SHIFT)
        | if weight < 0 { SHORT_WEIGHT_SIGN } else { 0 }
        | (weight as u16 & SHORT_WEIGHT_MASK);
    body[..2].copy_from_slice(&header.to_ne_bytes());
    for (place, group) in body[2..].chunks_exact_mut(2).zip(groups[zeros..].iter().rev()) {
        place.copy_from_slice(&group.to_ne_bytes());
    }
    2 + 2 * kept
}

/// Writes a numeric with a length word of one byte, and counts the bytes.
#[inline]
pub(super) fn write_short(
    coefficient: i128,
    scale: u32,
    place: &mut [u8; SHORT_NUMERIC_MAX],
) -> usize {
    let (length, body) = split_length(place);
    finish_short(length, write_body(coefficient, scale, body))
}

/// The same for an amount of minor units, which is what most rows are made of.
#[inline]
pub(super) fn write_short_minor(
    units: i64,
    decimals: u32,
    place: &mut [u8; SHORT_NUMERIC_MAX],
) -> usize {
    let (length, body) = split_length(place);
    let aligned = units.unsigned_abs().checked_mul(PADDING[(decimals % 4) as usize]);
    let bytes = match aligned {
        Some(aligned) => write_groups(units < 0, decimals, aligned, body),
        None => write_body(i128::from(units), decimals, body),
    };
    finish_short(length, bytes)
}

#[inline]
fn split_length(place: &mut [u8; SHORT_NUMERIC_MAX]) -> (&mut u8, &mut [u8; BODY_MAX]) {
    let [length, body @ ..] = place;
    (length, body)
}

/// Writes the length word of one byte: the number of bytes, itself included, and the bit that tells
/// it from a word of four.
#[inline]
fn finish_short(length: &mut u8, body_bytes: usize) -> usize {
    let bytes = 1 + body_bytes;
    *length = if cfg!(target_endian = "big") { 0x80 | bytes as u8 } else { (bytes as u8) << 1 | 1 };
    bytes
}

impl Num {
    /// The value as a numeric in the current memory context.
    fn palloc(self) -> pg_sys::Datum {
        let mut body = [0u8; BODY_MAX];
        let bytes = write_body(self.0.mantissa(), self.0.scale(), &mut body);
        let length = pg_sys::VARHDRSZ + bytes;
        // SAFETY: palloc returns `length` writable bytes, aligned for any type, or raises; the body
        // follows the length word and has the bytes counted.
        unsafe {
            let copy = pg_sys::palloc(length);
            varlena::set_varsize_4b(copy.cast(), length as i32);
            let to = copy.cast::<u8>().add(pg_sys::VARHDRSZ);
            std::ptr::copy_nonoverlapping(body.as_ptr(), to, bytes);
            pg_sys::Datum::from(copy)
        }
    }

    /// # Safety
    /// `datum` must be a non-null numeric.
    unsafe fn read(datum: pg_sys::Datum) -> Result<Decimal, ErrorReport> {
        // SAFETY: a numeric is a varlena, which may be compressed, out of line or short.
        unsafe {
            let stored: *mut pg_sys::varlena = datum.cast_mut_ptr();
            let plain = pg_sys::pg_detoast_datum_packed(stored);
            let result = decode(varlena::varlena_to_byte_slice(plain));
            if plain != stored {
                pg_sys::pfree(plain.cast());
            }
            result
        }
    }
}

impl FromDatum for Num {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        // SAFETY: the caller vouches that a datum that is not NULL is a numeric.
        (!null).then(|| Num(unsafe { Num::read(datum) }.unwrap_or_report()))
    }
}

impl IntoDatum for Num {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        Some(self.palloc())
    }
    fn type_oid() -> pg_sys::Oid {
        pg_sys::NUMERICOID
    }
}

// SAFETY: reads the datum as the numeric it is declared to be.
unsafe impl UnboxDatum for Num {
    type As<'src> = Num;
    unsafe fn unbox<'src>(datum: Datum<'src>) -> Self
    where
        Self: 'src,
    {
        // SAFETY: the caller vouches that the datum is a non-null numeric.
        Num(unsafe { Num::read(datum.sans_lifetime()) }.unwrap_or_report())
    }
}

// SAFETY: declared in SQL as numeric.
unsafe impl<'fcx> ArgAbi<'fcx> for Num {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: declared as numeric.
        unsafe { given(arg) }
    }
}

// SAFETY: the datum is a numeric in the caller's memory context.
unsafe impl BoxRet for Num {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        // SAFETY: a by-reference datum of the declared type, palloc'd for the caller.
        unsafe { fcinfo.return_raw_datum(self.palloc()) }
    }
}
