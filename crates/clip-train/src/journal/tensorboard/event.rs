/// TensorFlow's message [`Event`], as far as scalars need it.
///
/// [`Event`]: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/util/event.proto
pub(super) struct Event<'a> {
    /// Seconds since 1970.
    pub wall_time: f64,
    pub step: u64,
    pub what: What<'a>,
}

/// What an event tells.
pub(super) enum What<'a> {
    /// Which version of the format the file has; the first event of each file.
    FileVersion,
    /// Values and their tags.
    Scalars(&'a [(&'a str, f64)]),
    /// A run begins at the event's step, whatever was written of later ones.
    SessionStart,
}

impl Event<'_> {
    /// The message in protobuf's wire format.
    pub(super) fn encode(&self) -> Vec<u8> {
        let event = Message::default().double(1, self.wall_time).integer(2, self.step);
        let event = match self.what {
            What::FileVersion => event.bytes(3, b"brain.Event:2"),
            What::Scalars(values) => event.bytes(5, &summary(values)),
            What::SessionStart => event.bytes(7, &session_log_start()),
        };
        event.0
    }
}

/// The message `Summary` of summary.proto.
fn summary(values: &[(&str, f64)]) -> Vec<u8> {
    let value = |&(tag, value): &(&str, f64)| {
        Message::default().bytes(1, tag.as_bytes()).float(2, value as f32).0
    };
    values.iter().map(value).fold(Message::default(), |summary, value| summary.bytes(1, &value)).0
}

/// The message `SessionLog` of event.proto, with the status `START`.
fn session_log_start() -> Vec<u8> {
    Message::default().integer(1, 1).0
}

/// A protobuf message under construction, field by field.
///
/// <https://protobuf.dev/programming-guides/encoding/>
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    /// A zero is left out, as proto3 has it.
    fn integer(self, field: u64, value: u64) -> Self {
        if value == 0 { self } else { self.key(field, 0).varint(value) }
    }

    fn double(self, field: u64, value: f64) -> Self {
        self.key(field, 1).raw(&value.to_le_bytes())
    }

    fn float(self, field: u64, value: f32) -> Self {
        self.key(field, 5).raw(&value.to_le_bytes())
    }

    /// A text or a message within this one.
    fn bytes(self, field: u64, value: &[u8]) -> Self {
        self.key(field, 2).varint(value.len() as u64).raw(value)
    }

    fn key(self, field: u64, wire_type: u64) -> Self {
        self.varint(field << 3 | wire_type)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(mut self, mut value: u64) -> Self {
        while value > 0x7f {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }
}
