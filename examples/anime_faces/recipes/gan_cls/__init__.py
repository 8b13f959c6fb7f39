"""Report D: GAN-CLS, with a penalty on the weights of the text and a critic that is sometimes deceived."""
