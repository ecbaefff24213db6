//! The two ways out: the answer to standard output, everything else to standard error.

use std::io::Write;

/// Where a command writes. Tests hand in buffers.
pub struct Out<'a> {
    pub answer: &'a mut dyn Write,
    pub remarks: &'a mut dyn Write,
}

impl Out<'_> {
    /// A line of the answer. A reader that went away does not matter.
    pub fn say(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.answer, "{line}").and_then(|()| self.answer.flush());
    }

    /// A line that is not the answer.
    pub fn remark(&mut self, line: impl std::fmt::Display) {
        let _ = writeln!(self.remarks, "{line}");
    }
}
