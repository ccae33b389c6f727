"""What mixing two adapters costs, measured on pairs that are trained for it.

``small_base``  a model of two million parameters with some Russian and English, made in a few minutes
``pairs``       what the adapters are taught: manners and subjects, in two languages
``campaign``    trains the adapters, mixes them, and writes down what each mixture keeps
``report``      fits the model of costs to the measurements, and compares methods and predictors
"""
