// The two commands of an announcement and nothing else, with ding-dong.
const Server = require("ding-dong");

new Server((context) =>
  context
    .onEvent("variables")
    .then(() => context.streamFile("x"))
    .then(() => context.setVariable("X", "1"))
    .then(() => context.end())
).start(Number(process.argv[2]));
