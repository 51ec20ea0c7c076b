//! (written below)
pub struct Stage;
pub fn play() {}
