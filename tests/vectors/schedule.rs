use crate::Reader;

pub const READERS: &[Reader] = &[];
