// danfojs-node asks for tfjs-node, whose install script downloads TensorFlow; the tfjs that is here will do.
module.exports = require("@tensorflow/tfjs");
