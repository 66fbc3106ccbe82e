"""A contact sheet as it is decided: what of some pictures varies, what rows and columns name, what captions say."""
